# The commands of this project. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TOOLS := $(CURDIR)/.tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-v2.15.0
GOFUMPT := $(TOOLS)/gofumpt-v0.12.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 5s

.PHONY: help build demo test lint fuzz bench clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

build: ## build bin/clmgr
	@CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/clmgr ./cmd/clmgr

demo: build ## show the main job on real machines (root, Debian or Ubuntu)
	@scripts/deps.sh
	@scripts/demo.sh

test: ## install what tests need and run them all, lane by lane
	@scripts/deps.sh
	@scripts/test.sh

lint: $(GOLANGCI_LINT) $(GOFUMPT) ## golangci-lint, vet and gofumpt
	@go vet ./...
	@out=$$($(GOFUMPT) -l .); if [ -n "$$out" ]; then echo "gofumpt wants:"; echo "$$out"; exit 1; fi
	@$(GOLANGCI_LINT) run ./...

fuzz: ## run every fuzz target for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

bench: build ## measure against floors and peers in the same run
	@scripts/deps.sh bench
	@scripts/bench.sh

clean: ## remove what was built
	@rm -rf bin .tools

$(GOLANGCI_LINT):
	@mkdir -p $(TOOLS)
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(TOOLS)/golangci-lint $@

$(GOFUMPT):
	@mkdir -p $(TOOLS)
	@GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@v0.12.0
	@mv $(TOOLS)/gofumpt $@

#!/usr/bin/env bash
# Runs all benchmarks. What has a promise is measured against a floor or a peer in
# the same run and reports their ratio; read the ratios, the machine is noisy.
set -euo pipefail
cd "$(dirname "$0")/.."
go test -run '^$' -bench . -benchtime 1s -timeout 30m \
  ./internal/bench ./pkg/heartbeat ./pkg/remote/... ./pkg/services ./pkg/store ./pkg/eventlog ./pkg/config ./pkg/actions/... |
  grep -Ev '^(PASS|goos|goarch|cpu)'

#!/usr/bin/env bash
# Runs all tests in three lanes and says for each how long it took and how many
# real machines it booted. As root a run without any machine is a failure: it
# would mean that the tests on real parts did not run.
set -euo pipefail
cd "$(dirname "$0")/.."

boots=$(mktemp)
trap 'rm -f "$boots"' EXIT
export CLMGR_LAB_BOOTS=$boots
# The race detector sleeps a second at every exit unless told otherwise; the
# tests run the program hundreds of times.
export GORACE=atexit_sleep_ms=10

# What boots machines, and what writes to stores; everything else is pure.
lab='^github.com/clmgr/clmgr/(cmd/clmgr|internal/lab|internal/e2e|pkg/services|pkg/provision|pkg/remote/job|pkg/monitor|pkg/peers/watch)'
store='^github.com/clmgr/clmgr/pkg/(store|eventlog|actions/(ledger|runner))'

failed=0
total=0
lane() { # name, packages
  local name=$1 began machines rc=0
  shift
  began=$(date +%s)
  : >"$boots"
  # make lint vets all of it already.
  go test -race -vet=off -count=1 -timeout 40m "$@" || rc=$?
  machines=$(wc -l <"$boots")
  total=$((total + machines))
  printf 'lane %-5s %4d s, %d real machines booted%s\n' "$name" $(($(date +%s) - began)) "$machines" "$([ $rc = 0 ] || echo ', FAILED')"
  [ $rc = 0 ] || failed=1
}

all=$(go list ./...)
lane pure $(grep -Ev "$lab|$store" <<<"$all")
lane store $(grep -E "$store" <<<"$all")
if [ "$(id -u)" = 0 ]; then
  # The packages share two cores and the machines' images: one after another.
  lane lab -p 1 $(grep -E "$lab" <<<"$all")
  if [ "$total" = 0 ]; then
    echo "no real machine was booted: the lab lane proved nothing" >&2
    failed=1
  fi
else
  echo "lane lab   not run: real machines need root" >&2
fi
exit $failed

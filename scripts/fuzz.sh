#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
n=0

# fuzz DIR TARGET: on a busy machine the fuzzer itself may miss its own end, which it
# calls a failure without any input that fails; then it has another go.
fuzz() {
  local out
  for _ in 1 2; do
    if out=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" "$1" 2>&1); then
      tail -n 2 <<<"$out"
      return
    fi
    if grep -q 'Failing input' <<<"$out" || ! grep -q 'context deadline exceeded' <<<"$out"; then
      break
    fi
  done
  echo "$out"
  return 1
}

for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
  for target in $(grep -h -oE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/func //'); do
    echo "$dir $target"
    fuzz "$dir" "$target"
    n=$((n + 1))
  done
done
echo "$n fuzz targets, $time each"

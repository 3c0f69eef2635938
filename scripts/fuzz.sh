#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time each.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
n=0
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
  for target in $(grep -h -oE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/func //'); do
    echo "$dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir" | tail -n 2
    n=$((n + 1))
  done
done
echo "$n fuzz targets, $time each"

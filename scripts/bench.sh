#!/usr/bin/env bash
# Runs all benchmarks. What has a promise is measured against a floor or a peer in
# the same run and reports their ratio; read the ratios, the machine is noisy.
set -euo pipefail
cd "$(dirname "$0")/.."
bench() { go test -run '^$' -bench . -benchtime 1s -timeout 30m "$@" | grep -Ev '^(PASS|goos|goarch|cpu)'; }

# What is measured over the loopback gets a network of its own: the table of
# connections that packet filters of this host keep could fill up.
# What is measured on real machines needs the way out, for packages.
bench -bench "Clone|StartAll" -benchtime 1x ./internal/bench
bench -bench "FromNothing" -benchtime 3x ./internal/bench
bench -skip "Clone|StartAll|FromNothing" -exec "unshare -n sh -c 'ip link set lo up; exec \"\$@\"' sh" ./internal/bench
bench ./pkg/heartbeat ./pkg/remote/... ./pkg/services ./pkg/store ./pkg/eventlog ./pkg/config ./pkg/actions/... ./pkg/monitor/... ./pkg/manager

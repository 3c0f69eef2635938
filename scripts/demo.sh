#!/usr/bin/env bash
# Shows the main job on real parts, and fails if any of it does not happen: boots
# three Debian machines with a MariaDB primary and replica and memcached on them,
# looks, breaks things behind clmgr's back, and shows what each look tells.
set -euo pipefail
cd "$(dirname "$0")/.."
clmgr=bin/clmgr
lab=demo-$$
out=$(mktemp)
trap '$clmgr lab down --name $lab >/dev/null 2>&1; rm -f "$out"' EXIT

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
die() {
  echo "demo failed: $*" >&2
  exit 1
}

# look CODE: one heartbeat, shown as a table; it must exit with CODE.
look() {
  local want=$1 rc=0
  echo "\$ clmgr instances heartbeat"
  $clmgr -o table instances heartbeat || rc=$?
  [ $rc = "$want" ] || die "the heartbeat exited with $rc, not $want"
}

# told LINES: the events since the last call are exactly these, in any order.
known=0
told() {
  local got
  $clmgr -o json events list >"$out"
  got=$(jq -r ".events[$known:][] | \"\(.name) \(.previous_state) > \(.state)\"" "$out" | sort)
  known=$(jq '.events | length' "$out")
  [ "$got" = "$(sort <<<"$1")" ] || die "told: $got"
}

say "Three real machines: MariaDB primary and replica, memcached"
config=$($clmgr lab up --sample --name $lab)
export CLMGR_CONFIG=$config
$clmgr config check

say "The first look: everything runs"
look 0
told ""

say "The same as JSON, asked for through a pipe"
echo "\$ echo \"{level:'services', command:{action:'status', group:'node11'}}\" | clmgr"
echo "{level:'services', command:{action:'status', group:'node11'}}" | $clmgr | tee "$out" | jq .services_status
jq -e '.services_status.services[0].node11 | .code == "000000" and .status == "slave"' "$out" >/dev/null || die "node11 is not a running slave"

say "The database on m2 hangs: alive, but it answers nobody (SIGSTOP)"
$clmgr lab exec --name $lab m2 -- pkill -STOP mariadbd
look 3
told "node11 running > Database communication failure"

say "Machine m3 loses its power behind clmgr's back"
$clmgr lab kill --name $lab m3
look 3
told "m3 running > unreachable
nosql2 running > Memcache communication failure
sshd3 running > Database communication failure
boot3 running > Remote manager communication failure"

say "Nothing changed since: nothing is told"
look 3
told ""

say "The manager's own network is cut: it says so, and blames no machine"
$clmgr lab cut --name $lab host
look 3
told "$(hostname) seeing > isolated"
$clmgr lab heal --name $lab

say "Both come back"
$clmgr lab exec --name $lab m2 -- pkill -CONT mariadbd
$clmgr lab on --name $lab m3
for _ in $(seq 100); do # its services start on their own
  $clmgr lab exec --name $lab m3 -- systemctl is-system-running >/dev/null 2>&1 && break
  sleep 0.1
done
look 0
told "$(hostname) isolated > seeing
node11 Database communication failure > running
m3 unreachable > running
nosql2 Memcache communication failure > running
sshd3 Database communication failure > running
boot3 Remote manager communication failure > running"

say "What happened, from the log"
$clmgr -o table events list

say "Done: all of it seen, all of it as it should be"

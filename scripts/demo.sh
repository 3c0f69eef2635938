#!/usr/bin/env bash
# Shows the main job on real parts, and fails if any of it does not happen: launches
# three Debian machines through an EC2 API, with a MariaDB primary and replica,
# memcached, HAProxy and keepalived on them, looks, breaks things behind clmgr's back,
# and shows what each look tells.
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

# told LINES: the events since the last call are exactly these, in any order. A machine
# is named by the end of its address: the provider chose its id.
known=0
told() {
  local got
  $clmgr -o json events list >"$out"
  got=$(jq -r ".events[$known:][] | (if .type == \"instances\" then .ip | sub(\".*[.]1\"; \"m\") else .name end)
    + \" \(.previous_state) > \(.state)\"" "$out" | sort)
  known=$(jq '.events | length' "$out")
  [ "$got" = "$(sort <<<"$1")" ] || die "told: $got"
}

# settled MACHINE: what starts at boot has started.
settled() {
  for _ in $(seq 100); do
    $clmgr lab exec --name $lab "$1" -- systemctl is-system-running >/dev/null 2>&1 && return
    sleep 0.1
  done
  die "$1 does not settle"
}

say "An EC2 account, and a configuration of three machines that nobody has launched"
config=$($clmgr lab up --ec2 --sample --name $lab)
export CLMGR_CONFIG=$config
eval "$($clmgr lab ec2 env --name $lab)"
$clmgr config check
look 3
told ""

say "Launch them: real Debian machines, in about a second"
echo "\$ clmgr instances launch all --wait"
$clmgr -o table instances launch all --wait
echo "\$ clmgr instances launch all --wait   # again: nothing is made twice"
$clmgr -o table instances launch all --wait
$clmgr lab sample --name $lab

say "Everything runs"
look 0
vip=$($clmgr -o json instances heartbeat --last | jq -r '.conditions[] | select(.type == "vips") | .name')
told "m1 absent > running
m2 absent > running
m3 absent > running
node10 stopped > running
node11 stopped > running
nosql1 stopped > running
nosql2 stopped > running
sshd3 stopped > running
boot3 stopped > running
lb1 stopped > running
lb3 stopped > running
vip1 stopped > running
vip3 stopped > running
$vip vip-unheld > consistent"

say "The same as JSON, asked for through a pipe"
echo "\$ echo \"{level:'services', command:{action:'status', group:'node11'}}\" | clmgr"
echo "{level:'services', command:{action:'status', group:'node11'}}" | $clmgr | tee "$out" | jq .services_status
jq -e '.services_status.services[0].node11 | .code == "000000" and .status == "slave"' "$out" >/dev/null || die "node11 is not a running slave"

say "The database on m2 hangs: alive, but it answers nobody (SIGSTOP)"
$clmgr lab exec --name $lab m2 -- pkill -STOP mariadbd
look 3
told "node11 running > Database communication failure"

say "Somebody stops m3 through the EC2 API, behind clmgr's back"
m3=$(jq -r '.events[] | select(.type == "instances" and (.ip | endswith(".13"))) | .name' "$out" | head -n 1)
echo "\$ aws ec2 stop-instances --instance-ids $m3"
aws() { /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; } # 2.9 does not know the variable
aws ec2 stop-instances --instance-ids "$m3" >/dev/null
aws ec2 wait instance-stopped --instance-ids "$m3"
look 3
told "m3 running > stopped
nosql2 running > stopped
sshd3 running > stopped
boot3 running > stopped
lb3 running > stopped
vip3 running > stopped"

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
echo "\$ clmgr instances start m3 --wait"
$clmgr -o table instances start m3 --wait
settled m3
look 0
told "$(hostname) isolated > seeing
node11 Database communication failure > running
m3 stopped > running
nosql2 stopped > running
sshd3 stopped > running
boot3 stopped > running
lb3 stopped > running
vip3 stopped > running"

say "What happened, from the log"
$clmgr -o table events list

say "Done: all of it seen, all of it as it should be"

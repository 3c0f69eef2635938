#!/usr/bin/env bash
# Shows the main job on real parts, and fails if any of it does not happen: launches
# three Debian machines through an EC2 API, with a MariaDB primary and replica,
# memcached, HAProxy and keepalived on them, looks, breaks things behind clmgr's back,
# shows what each look tells, and has a service started on a machine that is off.
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
$clmgr lab exec --name $lab m3 -- systemctl -q disable memcached # or it would come back with its machine, without clmgr

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

say "The database on m2 goes on"
$clmgr lab exec --name $lab m2 -- pkill -CONT mariadbd
look 3
told "$(hostname) isolated > seeing
node11 Database communication failure > running"

say "Start nosql2: its machine is off, so that is queued, and its machine before it"
do_() { # CODE, ARGUMENTS
  local want=$1 rc=0
  shift
  echo "\$ clmgr $*"
  $clmgr -o table "$@" || rc=$?
  [ $rc = "$want" ] || die "clmgr $* exited with $rc, not $want"
}
do_ 4 services start nosql2
code=$($clmgr -o json services start nosql2 2>/dev/null | jq -r .code || true) # again: it joins what is queued
[ "$code" = ER0016 ] || die "services start answered $code, not ER0016"

say "The heartbeats that follow do it, as they would from cron: the machine, SSH, the service"
[ "$($clmgr -o json actions list | jq '.actions | length')" = 2 ] || die "not two actions are queued"
look 3
told ""
settled m3
look 3
told "m3 stopped > running
nosql2 stopped > Memcache communication failure
sshd3 stopped > running
boot3 stopped > running
lb3 stopped > running
vip3 stopped > running"
look 0
told "nosql2 Memcache communication failure > running"
do_ 0 actions list
[ "$($clmgr -o json actions list | jq '.actions | length')" = 0 ] || die "the queue is not empty"
do_ 0 actions show "$($clmgr -o json actions list --state done | jq -r '.actions[-1].id')"

say "A client of the service sees it back"
m3ip=$($clmgr -o json instances heartbeat --last | jq -r '.instances_status.instances[][] | select(.name == "m3") | .ip')
exec 3<>"/dev/tcp/$m3ip/11211"
printf 'version\r\n' >&3
read -r -t 5 answer <&3 || die "nosql2 does not answer"
exec 3>&-
echo "$answer"
[[ $answer == VERSION* ]] || die "nosql2 answered $answer"

say "Somebody works on node10: nothing is started there meanwhile, by any door"
do_ 0 hold node10 --for 2h --reason "its disk is being replaced"
do_ 5 services restart node10
look 0
told ""
do_ 0 release node10

say "What happened, from the log"
$clmgr -o table events list

say "Done: all of it seen, all of it as it should be"

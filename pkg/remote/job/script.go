package job

import (
	"fmt"
	"strings"
)

// The parts of the scripts. Each prints lines that answer.go reads: "running", "ended"
// (and then the output), "superseded", "gone", "cleared" or "fail".

// looking knows how the unit stands. What is not loaded has neither a state nor a run.
const looking = `
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
umask 077
dir=/run/clmgr
file=$dir/$unit

fail() { printf 'fail %s\n' "$(printf '%s' "$*" | tr '\n' ' ')"; exit; }

[ -d /run/systemd/system ] || fail "systemd does not run this machine"

look() {
	load='' active='' result='' code='' status='' run='' began='' queued='' ident='' main=''
	shown=$(systemctl show -p LoadState -p ActiveState -p Result -p ExecMainCode -p ExecMainStatus -p ExecMainPID \
		-p InvocationID -p InactiveExitTimestampMonotonic -p SyslogIdentifier -p Job "$unit.service" 2>&1) || fail "$shown"
	while IFS='=' read -r key value; do
		case $key in
		LoadState) load=$value ;;
		ActiveState) active=$value ;;
		Result) result=$value ;;
		ExecMainCode) code=$value ;;
		ExecMainStatus) status=$value ;;
		ExecMainPID) main=$value ;;
		InvocationID) run=$value ;;
		InactiveExitTimestampMonotonic) began=$value ;;
		SyslogIdentifier) ident=$value ;;
		Job) queued=$value ;;
		esac
	done <<-END
	$shown
	END
}

# A unit whose start is queued is as good as running.
running() {
	case $active in activating | deactivating | reloading) return 0 ;; esac
	[ "${queued:-0}" != 0 ]
}

ended() { [ "$active" = active ] || [ "$active" = failed ]; }

remembered() {
	known='' bearer='' bearing=''
	[ ! -f "$file.term" ] || read -r known bearer bearing <"$file.term"
}

superseded() {
	remembered
	[ -n "$known" ] && expr "$term" \< "$known" >/dev/null
}

tell_running() {
	read -r up _ </proc/uptime
	printf 'running %s %s %s\n' "$followed" "${run:--}" "$((${up%%.*} - ${began:-0} / 1000000))"
}

tell_superseded() { printf 'superseded %s\n' "$known"; exit; }
`

// deciding is for those who may change something.
const deciding = `
# Forget removes the lock file, so that a lock may have been won on one that is gone.
lock() {
	mkdir -p "$dir" || fail "cannot make $dir"
	command -v flock >/dev/null || fail "flock (package util-linux) is not installed"
	while :; do
		exec 9>"$file.lock"
		flock -w 30 9 || fail "another caller holds $file.lock"
		[ ! "$file.lock" -ef /proc/self/fd/9 ] || return 0
	done
}

clear_unit() {
	[ "$load" != not-found ] || return 0
	complaint=$(timeout 20 systemctl stop "$unit.service" 2>&1)
	systemctl reset-failed "$unit.service" 2>/dev/null
	for pause in 0.05 0.1 0.2 0.5 1 2; do
		look
		[ "$load" != not-found ] || return 0
		sleep "$pause"
	done
	fail "its last run cannot be cleared: $complaint"
}
`

// waiting follows one run, for a bounded time: a script whose caller is gone ends soon.
// The output is found by an identifier of the run: of a process that ended at once the
// journal does not learn the unit's invocation any more.
const waiting = `
tell_end() {
	timeout 5 journalctl --sync 2>/dev/null
	printf 'ended %s %s %s %s %s\n' "$followed" "${run:--}" "${result:--}" "${code:-0}" "${status:-0}"
	journalctl -q --no-pager -a -o cat -n 100 -t "$ident" 2>/dev/null | tail -c 2048
	echo && printf '%s\n' "$run" >"$file.told" # where nobody listens any more the echo is the end
	exit
}

# nap pauses for so long, or until the run's process is gone, which tail sees soon. Where
# there is none to see, a second is enough.
nap() {
	if [ "${main:-0}" -gt 1 ] && [ -e "/proc/$main" ]; then
		timeout "$1" tail --pid="$main" -s 0.1 -f /dev/null 2>/dev/null
		case $? in 0 | 124) return ;; esac # gone, or the time is over
	fi
	case $1 in 0.*) sleep "$1" ;; *) sleep 1 ;; esac
}

await() {
	for pause in 0.05 0.1 0.1 0.2 0.2 0.3 0.5 0.5 8; do
		look
		[ -n "$want" ] || want=$run
		if [ "$run" != "$want" ]; then
			! superseded || tell_superseded
			echo gone
			exit
		fi
		if ! running; then
			ended && tell_end
			echo gone
			exit
		fi
		[ "$told" = "$run" ] || tell_running
		told=$run
		nap "$pause"
	done
}
`

// starting starts the unit or finds it. The order matters: the old run is cleared before
// the new term is written, so that its success is never taken for one of this epoch; and
// the term before the start, so that none runs under a term that is not known. What
// daemons are left by goes into a scope: they would keep the unit from being cleared. At
// the limit the scope ends with the unit.
const starting = `
remember() {
	printf '%s %s %s\n' "$term" "$token" "$followed" >"$file.term.new" &&
		mv -f "$file.term.new" "$file.term" || fail "cannot write $file.term"
}

# A failure that nobody has heard of counts, or a step that hangs would be begun anew
# for ever by callers who cannot wait until its limit.
untold() {
	heard=''
	[ ! -f "$file.told" ] || read -r heard <"$file.told"
	[ "$heard" != "$run" ]
}

start() {
	set -- /bin/sh "$file.sh"
	after='' patience=10
	if [ -n "$cleanup" ]; then
		printf '[ "$SERVICE_RESULT" != success ] || exit 0\n%s\n' "$cleanup" >"$file.after" || fail "cannot write $file.after"
		after="/bin/sh $file.after" patience=60
	fi
	if [ -n "$daemons" ]; then
		set -- systemd-run --scope --quiet --collect --unit="$unit-$token" -p TimeoutStopSec=5 "$@"
		after="/bin/sh -c '[ \"\$SERVICE_RESULT\" != timeout ] || systemctl stop $unit-$token.scope'"
	fi
	printf '%s\n' "$command" >"$file.sh.new" && mv -f "$file.sh.new" "$file.sh" || fail "cannot write $file.sh"
	complaint=$(systemd-run --quiet --no-block --unit="$unit" --description="$description" \
		-p Type=oneshot -p RemainAfterExit=yes -p TimeoutStartSec="$limit" -p TimeoutStopSec="$patience" \
		-p SyslogIdentifier="$unit.$token" -p IgnoreSIGPIPE=no -p ExecStopPost="$after" "$@" 2>&1 9>&-) || fail "$complaint"
}

lock
! superseded || tell_superseded
look
followed=1 want='' told=none
if [ "$bearer" = "$token" ] && { running || ended; }; then
	followed=$bearing # this very call, cut off before it had its answer
elif running || { ended && [ "${known%.*}" = "${term%.*}" ] && { [ "$active" = active ] || untold; }; }; then
	remember
else
	followed=0
	clear_unit
	remember
	start
fi
exec 9>&-
await
`

// following goes on where a connection was lost or a wait was over.
const following = `
told=none
await
`

// discarding clears a run that does not count.
const discarding = `
lock
! superseded || tell_superseded
look
followed=1
if running; then tell_running; exit; fi
clear_unit
echo cleared
`

// forgetting clears all that is known of a unit.
const forgetting = `
lock
look
followed=1
if running; then tell_running; exit; fi
clear_unit
rm -f "$file.term" "$file.sh" "$file.after" "$file.told" "$file.lock" || fail "cannot remove $file.*"
echo cleared
`

// assign writes shell assignments of pairs of a name and a value.
func assign(pairs ...[2]string) string {
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s=%s\n", p[0], quote(p[1]))
	}
	return b.String()
}

func (j Job) runScript(token string) string {
	daemons := ""
	if j.Daemons {
		daemons = "yes"
	}
	return assign([2]string{"unit", j.Unit}, [2]string{"term", j.term()}, [2]string{"token", token},
		[2]string{"command", j.Command}, [2]string{"cleanup", j.After}, [2]string{"daemons", daemons}, [2]string{"description", j.describe()},
		[2]string{"limit", fmt.Sprintf("%dms", j.Limit.Milliseconds())}) +
		looking + deciding + waiting + starting
}

// describe makes the description one line of a size that fits into an argument.
func (j Job) describe() string {
	text := strings.Join(strings.Fields(clean(j.Description)), " ")
	if text == "" {
		return "clmgr job " + j.Unit
	}
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}

func (j Job) followScript(s *sighting) string {
	followed := "0"
	if s.followed {
		followed = "1"
	}
	return assign([2]string{"unit", j.Unit}, [2]string{"term", j.term()},
		[2]string{"want", s.invocation}, [2]string{"followed", followed}) + looking + waiting + following
}

func (j Job) discardScript() string {
	return assign([2]string{"unit", j.Unit}, [2]string{"term", j.term()}) + looking + deciding + discarding
}

func forgetScript(unit string) string {
	return assign([2]string{"unit", unit}) + looking + deciding + forgetting
}

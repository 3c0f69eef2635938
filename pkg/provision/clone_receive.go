package provision

import (
	"fmt"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// receiving is the replica's end.
func (c Clone) receiving(j job.Job, dump bool, hostKey, authorized string) job.Job {
	takes, opens, closes := takeFiles, openFiles, closeFiles
	if dump {
		takes, opens, closes = takeDump, openDump, closeDump
	}
	names := placeOf(c.Unit).names() + fmt.Sprintf("unit=%s run=%s/%s\n", quote(j.Unit), cloneRun, quote(j.Unit)) + cloneNames
	j.Description = "clmgr receives a copy of " + c.Donor.Name + " for " + c.Name
	j.Command = names + fmt.Sprintf(`donor=%s address=%s port=%d
hostkey=%s
authorized=%s
takes=%s
`, quote(c.Donor.Name), c.Addr.Addr(), c.Addr.Port(), quote(hostKey), quote(authorized), quote(takes)) +
		putBack + openReceiving + opens + channel + closes + swap
	j.After = names + putBack + endReceiving
	return j
}

const cloneNames = `data=` + mariadbData + ` part=` + clonePart + ` old=` + cloneOld + ` mark=` + clonedMark + `
content() { find $data/ -mindepth 1 -maxdepth 1 ! -name '.clmgr-*' ! -name clmgr-managed ! -name lost+found ! -name 'debian-*.flag' "$@"; }
`

// putBack undoes a swap that did not come to its end, from wherever it was: a folder is
// in one place only, and .out says that all of the old ones are aside. Their system
// tables move last, so that no server serves in between.
const putBack = calming + `putBack() {
	if ! [ -e $old ]; then return 0; fi
	if [ -e $old/.done ]; then rm -rf $old; return 0; fi
	calm
	systemctl stop ` + mariadbUnit + `
	if [ -e $old/.out ]; then
		content -exec rm -rf {} +
		sync -f $data
		rm $old/.out
	fi
	find $old -mindepth 1 -maxdepth 1 ! -name mysql -exec sh -c 'for f; do rm -rf "$0/${f##*/}" && mv "$f" "$0"; done' $data {} +
	if [ -e $old/mysql ]; then rm -rf $data/mysql; mv $old/mysql $data; fi
	rmdir $old
}
`

// endReceiving is run where it failed: what was there before is there again, and serves
// if it did.
const endReceiving = `rm -rf "$run/host_key" "$run/authorized" "/run/clmgr/$unit.sh"
exec 9>$db_lock
if flock -w 5 9; then
	putBack
	if [ -e "$run/served" ]; then systemctl reset-failed ` + mariadbUnit + ` 2>/dev/null; systemctl --no-block start ` + mariadbUnit + `; fi
	rm -rf $part
fi
rm -rf "$run"
rmdir ` + cloneRun + ` 2>/dev/null || true
`

// openReceiving stops the server, whose port the channel takes.
const openReceiving = `set -eu
umask 077
export LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
rm -f "/run/clmgr/$unit.sh"
die() { echo "$*" >&2; exit 4; }
up() { cut -d. -f1 /proc/uptime; }
words() { if [ -e "$1" ]; then tail -n 4 "$1" | tr '\n' ' ' | tail -c 600; fi; }
complaints() {
	said=$(grep -E 'Timeout|[Ee]rror|fatal|refused|Failed' "$run/sshd.log" | tail -n 2 | tr '\n' ' ' | tail -c 400)
	if [ "$said" ]; then printf '; the channel: %s' "$said"; fi
}
` + aloneHere + `putBack
rm -rf $part "$run"
mkdir -p "$run"
echo waiting >"$run/phase"
case $(systemctl show -p SubState --value ` + mariadbUnit + `) in running | start*) : >"$run/served" ;; esac
calm
systemctl stop ` + mariadbUnit + `
`

// channel is an sshd that lets one key run one script, until all has come. It ends too
// where the other side is silent for about a minute, or has never come.
const channel = `printf '%s' "$hostkey" >"$run/host_key"
printf '%s\n' "$authorized" >"$run/authorized"
hostkey=''
cat >"$run/take" <<END
run='$run' part='$part'
END
printf '%s\n' "$takes" >>"$run/take"
cat >"$run/sshd_config" <<END
ListenAddress $address
Port $port
HostKey $run/host_key
AuthorizedKeysFile $run/authorized
AllowUsers root
PermitRootLogin prohibit-password
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
DisableForwarding yes
PermitTTY no
PermitUserRC no
PermitUserEnvironment no
MaxSessions 1
LoginGraceTime 20
ClientAliveInterval 5
ClientAliveCountMax 6
ForceCommand /bin/sh $run/take
PidFile none
LogLevel INFO
END
mkdir -p /run/sshd
chmod 755 /run/sshd
/usr/sbin/sshd -D -e -f "$run/sshd_config" 9>&- 2>"$run/sshd.log" &
sshd=$! began=$(up) over=''
until [ -e "$run/whole" ]; do
	if [ -e "$run/failed" ]; then
		sleep 0.2
		here=''
		if [ -e "$run/ended" ] && [ "$(cat "$run/ended")" != 0 ]; then here=$(words "$run/take.log"); fi
		# A donor that met a closed pipe tells of what happened here.
		if [ "$here" ] && grep -qiE 'broken pipe|errno 32' "$run/failed"; then die "what came from $donor cannot be taken: $here"; fi
		die "$(cat "$run/failed")${here:+; here: $here}"
	fi
	kill -0 $sshd 2>/dev/null || die "the channel cannot be opened: $(words "$run/sshd.log")"
	if [ -e "$run/ended" ]; then
		[ "$over" ] || over=$(up)
		if [ $(($(up) - over)) -ge 6 ]; then
			if [ "$(cat "$run/ended")" != 0 ]; then die "what came from $donor cannot be taken: $(words "$run/take.log")$(complaints)"; fi
			die "the stream from $donor ended before the copy was whole$(complaints)"
		fi
	elif [ -e "$run/stream" ]; then
		echo receiving >"$run/phase"
	elif [ $(($(up) - began)) -ge 90 ]; then
		die "$donor did not connect within 90 s$(complaints)"
	fi
	sleep 0.1
done
kill $sshd
wait $sshd || true
rm -f "$run/host_key" "$run/authorized"
echo preparing >"$run/phase"
`

// take is what the donor may run here, by the words it gives.
const (
	takeFiles = takeHead + `mbstream -x -C "$part" 2>"$run/take.log"` + takeTail
	// What a server says of a statement that it refuses may hold somebody's data: only the
	// numbers are told.
	takeDump = takeHead + `mariadb --no-defaults --socket="$part/load.sock" --user=root --default-character-set=utf8mb4 --binary-mode --max-allowed-packet=1G 2>"$run/take.all"
	status=$?
	sed -n 's/^\(ERROR [0-9]* ([0-9A-Z]*) at line [0-9]*\).*/\1 of the dump/p' "$run/take.all" >"$run/take.log"
	rm "$run/take.all"
	(exit $status)` + takeTail
	takeHead = `umask 077
case $SSH_ORIGINAL_COMMAND in
hello) exit 0 ;;
stream)
	mkdir "$run/stream" || exit 1
	`
	takeTail = `
	status=$?
	echo $status >"$run/ended.new"
	mv "$run/ended.new" "$run/ended"
	exit $status
	;;
failed)
	head -c 1000 >"$run/failed.new"
	mv "$run/failed.new" "$run/failed"
	;;
whole)
	if [ "$(cat "$run/ended")" != 0 ]; then exit 1; fi
	: >"$run/whole"
	;;
*) exit 1 ;;
esac`
)

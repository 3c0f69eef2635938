package provision

import (
	"fmt"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// senderOf names the donor's end after the other one: both may be on one machine.
func senderOf(unit string) string { return unit + "-sender" }

// sending is the donor's end: the key and what it expects of the other side come with
// the script, which the job keeps in /run; it removes itself first.
func (c Clone) sending(j job.Job, dump bool, hostKey, key string) job.Job {
	j.Unit = senderOf(j.Unit)
	program, copies := "mariadb-backup", backupCommand
	if dump {
		program, copies = "mariadb-dump", dumpCommand
	}
	names := placeOf(c.Donor.Unit).names() + fmt.Sprintf("unit=%s run=%s/%s\nip=%s port=%d rate=%d program=%s donor=%s\n",
		quote(j.Unit), cloneRun, quote(j.Unit), c.Addr.Addr(), c.Addr.Port(), c.Rate, program, quote(c.Donor.Name))
	j.Description = "clmgr sends a copy of " + c.Donor.Name + " to " + c.Name
	j.Command = names + fmt.Sprintf(`hostkey=%s
key=%s
`, quote(hostKey), quote(key)) + openSending + "copies() {\n" + copies + "}\n" + sendScript
	j.After = names + endSending
	return j
}

const endSending = `rm -rf "$run" "/run/clmgr/$unit.sh"
rmdir ` + cloneRun + ` 2>/dev/null || true
`

// openSending lays out what ssh needs.
const openSending = `set -u
umask 077
export LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
rm -rf "/run/clmgr/$unit.sh" "$run"
mkdir -p "$run"
printf '%s' "$key" >"$run/key"
printf '[%s]:%s %s\n' "$ip" "$port" "$hostkey" >"$run/known"
key=''
to() {
	ssh -F none -p "$port" -i "$run/key" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
		-o UserKnownHostsFile="$run/known" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o UpdateHostKeys=no \
		-o ServerAliveInterval=5 -o ServerAliveCountMax=6 -o ConnectTimeout=10 -o Compression=no -o LogLevel=ERROR \
		-c aes128-gcm@openssh.com "root@$ip" "$1"
}
words() { tail -n 4 "$1" | tr '\n' ' ' | tail -c 600; }
`

// backupCommand streams the data directory as the server is working on it. It reads chunks
// of 64 pages, so many a second at most where there is a rate. The stream itself must not be
// slowed down: what is written to the server meanwhile would be overwritten before it went.
const backupCommand = `	throttle=''
	if [ "$rate" != 0 ]; then
		chunk=$(echo 'SELECT 64 * @@innodb_page_size' | ` + client + `) || return 1
		throttle=$((rate / chunk))
		if [ $throttle = 0 ]; then throttle=1; fi
		throttle=--throttle=$throttle
	fi
	mariadb-backup ` + mariadbFrom + ` --backup $throttle ` + mariadbAt + ` --user=root --stream=mbstream --parallel="$(nproc)" --target-dir="$run"
`

// dumpCommand dumps what is no system table, for a server that files do not suit: the
// replica has its own accounts. What slows it down is a second ahead at most.
const dumpCommand = `	if [ "$rate" = 0 ]; then dump; return; fi
	{ dump; echo $? >"$run/dumped"; } | perl -e 'my ($rate, $sent, $begun) = ($ARGV[0], 0, time);
		while (my $n = sysread STDIN, my $data, 65536) {
			for (my $done = 0; $done < $n;) { $done += syswrite(STDOUT, $data, $n - $done, $done) // die "$!\n" }
			$sent += $n;
			select undef, undef, undef, 0.02 while $sent > $rate * (time - $begun);
		}' "$rate" && return "$(cat "$run/dumped")"
}
dump() {
	mariadb-dump ` + mariadbAt + ` --user=root --all-databases --ignore-database=mysql --ignore-database=sys --gtid --master-data=1 \
		--single-transaction --quick --routines --events --triggers --hex-blob --default-character-set=utf8mb4 --max-allowed-packet=1G
`

// sendScript waits until the other end listens, sends, and says how it went: an end of
// the stream alone would not tell that all of it came.
const sendScript = `tries=0
until to hello </dev/null 2>"$run/ssh.log"; do
	if grep -qE 'Permission denied|verification failed|not found' "$run/ssh.log" || [ $((tries += 1)) -ge 300 ]; then
		echo "cannot log in at $ip:$port: $(words "$run/ssh.log")" >&2
		exit 5
	fi
	sleep 0.2
done
{ copies 2>"$run/log"; echo $? >"$run/status"; } | to stream 2>"$run/ssh.log"
sent=$?
status=$(cat "$run/status")
if [ "$status" != 0 ]; then
	why="$donor: $program ended with exit status $status: $(words "$run/log")"
	printf '%s' "$why" | to failed
	echo "$why" >&2
elif [ $sent != 0 ]; then
	echo "the channel to $ip:$port broke: $(words "$run/ssh.log")" >&2
	status=6
else
	to whole </dev/null 2>"$run/ssh.log" || { echo "the channel to $ip:$port broke at its end: $(words "$run/ssh.log")" >&2; status=6; }
fi
` + endSending + `exit "$status"
`

package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/internal/porttest"
)

// daemonConfig looks at services of this host, twenty to an address, and may act.
const daemonConfig = `
manager: bench
state_dir: %[1]s/state
daemon: {interval: %[2]s, listen: '%[3]s'}
modes: {door: {port: %[4]d, tcp: {}}}
peers: {watch: always}
rules: {odd: {when: {type: logs}, do: {script: {path: /bin/true}}}}
alerts: {places: {ops: {program: [/bin/true]}}}
clusters:
  c:
    automatic: true
    instances:
%[5]s    services:
%[6]s`

// BenchmarkIdleDaemon is a daemon over 100 services that all run, at a beat of 10 s.
// Promised is less than 1 % of a core and 40 MB.
func BenchmarkIdleDaemon(b *testing.B) { busyDaemon(b, 100, 10*time.Second, 60*time.Second) }

// BenchmarkThousandServices is one over 1,000 at a beat of 1 s. Promised is that none is
// missed.
func BenchmarkThousandServices(b *testing.B) { busyDaemon(b, 1000, time.Second, 30*time.Second) }

// busyDaemon reports what a daemon costs over a time, and how many beats it missed.
func busyDaemon(b *testing.B, services int, beat, over time.Duration) {
	const ips = 50
	dir, port, listen := b.TempDir(), porttest.Accepting(b, ""), porttest.Free(b)
	d := startDaemon(b, dir, fmt.Sprintf(daemonConfig, dir, beat, listen, port,
		list(ips, func(i int) string { return fmt.Sprintf("{name: m%d, ip: 127.0.4.%d, here: %t}", i, i+1, i == 0) }),
		list(services, func(i int) string { return fmt.Sprintf("{name: s%d, mode: door, ip: 127.0.4.%d}", i, i%ips+1) })))
	d.until(b, "two heartbeats", func() bool {
		return strings.Contains(scrape(b, listen), "clmgr_heartbeats_total") && value(scrape(b, listen), `clmgr_heartbeats_total{outcome="recorded"}`) >= 2
	})
	for b.Loop() {
		first, used := scrape(b, listen), d.cpu(b)
		began := time.Now()
		time.Sleep(over)
		took := time.Since(began)
		b.ReportMetric(100*(d.cpu(b)-used).Seconds()/took.Seconds(), "%core")
		last := scrape(b, listen)
		beats := value(last, `clmgr_heartbeats_total{outcome="recorded"}`) - value(first, `clmgr_heartbeats_total{outcome="recorded"}`)
		b.ReportMetric(beats/(took.Seconds()/beat.Seconds()), "beats/wanted")
		b.ReportMetric(value(last, "clmgr_heartbeats_missed_total")-value(first, "clmgr_heartbeats_missed_total"), "missed")
		b.ReportMetric(value(last, "process_resident_memory_bytes")/1e6, "MB/process")
		if up := value(last, `clmgr_services{cluster="c",code="000000"}`); up != float64(services) {
			b.Fatalf("it saw %v services running", up)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// killConfig has the doctor, and a rule, begin something when a service or a line of a
// log asks for it.
const killConfig = `
manager: bench
state_dir: %[1]s/state
daemon: {interval: %[2]s, listen: ''}
ssh: {user: root, keys: [%[3]s], known_hosts: [%[4]s], agent: false, config_file: none}
doctor: {scripts: [%[1]s/doctor]}
rules: {line: {when: {type: logs}, min_delay: 1ms, max_per_hour: 3600, do: {script: {path: %[1]s/acts}}}}
clusters:
  c:
    automatic: true
    instances: [{name: m1, ip: %[5]s}, {name: here, ip: 127.0.0.1}]
    services: [{name: cache, mode: memcache, instance: m1}]
    logs:
      - {name: app, instance: m1, unit: app, match: [{name: asked, regexp: 'please act'}], limit: 100000}
      - {name: own, instance: here, file: %[1]s/app.log, match: [{name: asked, regexp: 'please act'}], limit: 100000}
`

// killSite is a daemon beside a machine with a memcached.
type killSite struct {
	*daemon
	*lab.Machine
	dir, key, known string
}

const killBeat = 2 * time.Second

func newKillSite(b *testing.B) killSite {
	l := labtest.Up(b, lab.Databases(), "m1")
	m := l.Machine("m1")
	s := killSite{Machine: m, dir: b.TempDir(), key: l.KeyFile(), known: l.KnownHosts()}
	s.on(b, fmt.Sprintf(`echo '-l %s' >>/etc/memcached.conf; mkdir /etc/systemd/system/memcached.service.d
		printf '[Service]\nRestart=no\n' >/etc/systemd/system/memcached.service.d/no.conf; systemctl daemon-reload; systemctl start memcached`, m.IP()))
	for _, name := range []string{"doctor", "acts"} { // both note what they were given, whole
		script := "#!/bin/sh\ncat >$0.next; mv $0.next $0.$(date +%s%N)\n"
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(script), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	s.daemon = startDaemon(b, s.dir, fmt.Sprintf(killConfig, s.dir, killBeat, l.KeyFile(), l.KnownHosts(), m.IP()))
	return s
}

func (s killSite) on(b *testing.B, command string) {
	b.Helper()
	if _, _, err := s.Run(b.Context(), command, nil); err != nil {
		b.Fatal(err)
	}
}

// ran is how often a script has been given something with these words.
func (s killSite) ran(b *testing.B, script, words string) int {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, script+".[0-9]*"))
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && bytes.Contains(text, []byte(words)) {
			n++
		}
	}
	return n
}

// BenchmarkKillToDoctor is the time from the kill of a process on a machine until the
// doctor script was given the event, in beats. Promised is less than 1.5.
func BenchmarkKillToDoctor(b *testing.B) {
	s := newKillSite(b)
	var beats []float64
	for n := 0; n < 7 || b.Loop(); n++ {
		s.on(b, "systemctl start memcached")
		s.until(b, "it runs", func() bool { return s.ran(b, "doctor", `"state":"running"`) >= n })
		time.Sleep(killBeat + time.Duration(n)*killBeat/7) // at another point of the beat each time
		before := s.ran(b, "doctor", "ER0005")
		began := time.Now()
		s.on(b, "kill -KILL $(systemctl show --value -p MainPID memcached)")
		s.until(b, "the doctor is there", func() bool { return s.ran(b, "doctor", "ER0005") > before })
		beats = append(beats, time.Since(began).Seconds()/killBeat.Seconds())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(beats), "beats")
	b.ReportMetric(longest(beats), "beats-longest")
}

// BenchmarkLineToAction is the time from a line that matches until the rule's script has
// begun: a line in a file of this machine, for which less than 200 ms are promised, and one
// in the journal of another machine, over SSH. journald tells those who follow a journal that
// there is something when 250 to 500 ms have passed; of that line the promise is about the
// time since journalctl has printed it, over SSH too.
func BenchmarkLineToAction(b *testing.B) {
	s := newKillSite(b)
	log, err := os.Create(filepath.Join(s.dir, "app.log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	b.Run("file", func(b *testing.B) {
		var written time.Time
		s.lines(b, func() {
			if _, err := log.WriteString("please act\n"); err != nil {
				b.Fatal(err)
			}
			written = time.Now()
		}, func() time.Time { return written })
	})
	b.Run("journal", func(b *testing.B) {
		s.lines(b, func() { s.on(b, "systemd-run --quiet --wait --unit=app -- echo please act") }, s.printed(b))
	})
}

// printed follows the journal by hand, and tells when a line that matches was last printed.
func (s killSite) printed(b *testing.B) func() time.Time {
	cmd := exec.CommandContext(b.Context(), "ssh", "-F", "none", "-i", s.key, "-o", "UserKnownHostsFile="+s.known, "root@"+s.IP().String(),
		"exec journalctl --follow --lines=0 --output=cat --unit=app")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var last atomic.Pointer[time.Time]
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if now := time.Now(); lines.Text() == "please act" {
				last.Store(&now)
			}
		}
	}()
	return func() time.Time {
		if t := last.Load(); t != nil {
			return *t
		}
		return time.Time{}
	}
}

// lines has a line written again and again, and takes the time from when it is there.
func (s killSite) lines(b *testing.B, line func(), there func() time.Time) {
	var times []float64
	first := s.ran(b, "acts", "please act")
	s.until(b, "the log is followed", func() bool {
		line()
		time.Sleep(time.Second)
		return s.ran(b, "acts", "please act") > first && !there().IsZero()
	})
	for n := 0; n < 15 || b.Loop(); n++ {
		time.Sleep(600*time.Millisecond + time.Duration(n)*7*time.Millisecond) // until all of them are over
		before, last := s.ran(b, "acts", "please act"), there()
		line()
		s.until(b, "the script has begun", func() bool { return s.ran(b, "acts", "please act") > before })
		begun := time.Now()
		s.until(b, "the line", func() bool { return there().After(last) })
		times = append(times, float64(begun.Sub(there()).Milliseconds()))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(times), "ms")
	b.ReportMetric(longest(times), "ms-longest")
}

func longest(list []float64) float64 {
	var out float64
	for _, x := range list {
		out = max(out, x)
	}
	return out
}

// daemon is a clmgr daemon that runs.
type daemon struct {
	cmd    *exec.Cmd
	stderr *os.File
}

// startDaemon begins one, which ends with the benchmark.
func startDaemon(b *testing.B, dir, config string) *daemon {
	b.Helper()
	path := filepath.Join(dir, "clmgr.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		b.Fatal(err)
	}
	d := &daemon{cmd: exec.Command(build(b), "-c", path, "daemon"), stderr: stderr}
	d.cmd.Stderr = stderr
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		if err := d.cmd.Wait(); err != nil {
			b.Errorf("the daemon: %v", err)
		}
		stderr.Close()
	})
	return d
}

// until waits for something, a minute at most.
func (d *daemon) until(b *testing.B, what string, yes func() bool) {
	b.Helper()
	for end := time.Now().Add(time.Minute); !yes(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			said, _ := os.ReadFile(d.stderr.Name())
			b.Fatalf("never seen: %s\n%s", what, said)
		}
	}
}

// cpu is how much processor time it has had.
func (d *daemon) cpu(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')'):]))
	const utime, stime, hertz = 12, 13, 100 // of proc_pid_stat(5), from the state on
	var ticks int64
	for _, at := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[at-1], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / hertz
}

// scrape is the page of metrics; nothing while nobody answers.
func scrape(b *testing.B, address string) string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// value is that of a metric by its name and labels; 0 where it is not there.
func value(page, metric string) float64 {
	for line := range strings.Lines(page) {
		if text, is := strings.CutPrefix(strings.TrimSpace(line), metric+" "); is {
			n, _ := strconv.ParseFloat(text, 64)
			return n
		}
	}
	return 0
}

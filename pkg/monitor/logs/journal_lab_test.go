package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// bench is a machine with a journal, and the way to it.
type bench struct {
	m    *lab.Machine
	host *remote.Host
}

func boot(t *testing.T, image lab.Image) *bench {
	t.Helper()
	l := labtest.Up(t, image, "m1")
	pool := remote.NewPool(remote.Options{Width: 4})
	t.Cleanup(func() { pool.Close() })
	settings := &remote.Settings{User: "root", Keys: []string{l.KeyFile()}, KnownHosts: []string{l.KnownHosts()}, Timeout: 10 * time.Second}
	m := l.Machine("m1")
	b := &bench{m: m, host: pool.Host(settings, remote.Machine{Name: "m1", IP: m.IP()})}
	b.journald(t, "RateLimitIntervalSec=0")
	return b
}

// journald has journald run with other settings.
func (b *bench) journald(t *testing.T, settings ...string) {
	t.Helper()
	b.on(t, fmt.Sprintf("mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\n%s\\n' >/etc/systemd/journald.conf.d/test.conf; systemctl restart systemd-journald",
		strings.Join(settings, `\n`)))
}

func (b *bench) on(t *testing.T, command string) string {
	t.Helper()
	return b.with(t, command, nil)
}

func (b *bench) with(t *testing.T, command string, stdin io.Reader) string {
	t.Helper()
	out, _, err := b.m.Run(t.Context(), command, stdin)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// service starts a unit that prints what is written into its pipe.
func (b *bench) service(t *testing.T, unit string) {
	t.Helper()
	b.on(t, fmt.Sprintf("mkfifo /run/%[1]s; systemd-run --quiet --unit=%[1]s sh -c 'exec cat <>/run/%[1]s'", unit))
}

// says has the unit print lines.
func (b *bench) says(t *testing.T, unit string, lines ...string) {
	t.Helper()
	b.with(t, "cat >/run/"+unit, strings.NewReader(strings.Join(lines, "\n")+"\n"))
}

// count is lines "line N" for the numbers from first to last.
func count(first, last int) []string {
	var out []string
	for n := first; n <= last; n++ {
		out = append(out, fmt.Sprintf("line %d of what the unit says", n))
	}
	return out
}

func (b *bench) options(s store.Store, to *sink) logs.Options {
	return logs.Options{Manager: "mgr", Machine: b.host, Store: s, Key: testKey, Tell: to.tell, Mask: plain}
}

// follow starts a loop and returns when it follows the journal.
func (b *bench) follow(t *testing.T, s store.Store, to *sink, watchers ...logs.Watcher) *running {
	t.Helper()
	before := b.followers(t)
	r := run(t, logs.NewJournal(b.options(s, to), watchers))
	to.await(t, "a journalctl that follows", func() bool { return b.followers(t) != before })
	return r
}

// followers are the processes that follow the journal.
func (b *bench) followers(t *testing.T) string {
	t.Helper()
	return b.on(t, "pgrep -xf 'journalctl .*--follow.*' || true")
}

func TestJournal(t *testing.T) {
	b := boot(t, lab.Debian12())
	t.Run("lines of units", b.testUnits)
	t.Run("restart", b.testRestart)
	t.Run("ten kills", b.testKills)
	t.Run("told and not stored", b.testRepeat)
	t.Run("vacuum", b.testVacuum)
	t.Run("wiped", b.testWiped)
	t.Run("ahead of the journal", b.testAhead)
	t.Run("odd messages", b.testOdd)
	t.Run("joined", b.testJoined)
	t.Run("who may not read", b.testNotAllowed)
	t.Run("here", b.testHere)
	t.Run("suppressed", b.testSuppressed)
}

// testUnits follows two units among others, and what the manager says of them.
func (b *bench) testUnits(t *testing.T) {
	b.service(t, "one")
	b.service(t, "two")
	b.service(t, "other")
	one, two := numbered("one", "one.service"), numbered("two", "two.service")
	two.Match = append(two.Match, logs.Match{Name: "ended", Pattern: `code=(?P<how>killed|exited)`, State: "ended: $how", Severity: logs.Critical})
	to := newSink()
	r := b.follow(t, newStore(t), to, one, two)
	began := time.Now()
	b.says(t, "one", "line 1 of one", "nothing")
	to.await(t, "line 1", func() bool { return len(to.of("numbered")) == 1 })
	b.says(t, "other", "line 2 of another unit")
	b.says(t, "two", "line 3 of two")
	b.on(t, "systemctl kill --signal=KILL two")
	to.await(t, "the end of two", func() bool { return len(to.of("ended: killed")) > 0 })
	e := to.of("numbered")[0]
	if e.Key.Name != "one" || e.Key.Kind != "logs" || e.Labels["number"] != "1" || e.Labels["unit"] != "one.service" ||
		e.Labels["severity"] != logs.Info || e.Reason != "line 1 of one" || e.Was.State != logs.Watching || e.At.Before(began.Add(-time.Minute)) {
		t.Errorf("got %+v", e)
	}
	if e := to.of("ended: killed")[0]; e.Key.Name != "two" || e.Labels["severity"] != logs.Critical || e.Labels["how"] != "killed" {
		t.Errorf("got %+v", e)
	}
	if n := to.numbers(); len(n) != 2 || n["1"] != 1 || n["3"] != 1 {
		t.Errorf("told were the lines %v", n)
	}
	b.quick(t, to)
	before := r.beats.Load()
	to.await(t, "beats of an idle loop", func() bool { return r.beats.Load() > before+4 })
	r.stop(t)
	to.await(t, "the end of journalctl", func() bool { return b.followers(t) == "" })
}

// quick measures how much later a line is told than a bare journalctl over SSH prints it.
// Others may be at work on the processor: of ten the third counts.
func (b *bench) quick(t *testing.T, to *sink) {
	t.Helper()
	floor := &stamps{at: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = b.host.Stream(ctx, "exec journalctl --follow --lines=0 --output=cat --unit=one", floor) }()
	to.await(t, "a bare journalctl that follows", func() bool {
		b.says(t, "one", "ready")
		return !floor.of("ready").IsZero()
	})
	var later, took []time.Duration
	for n := 101; n <= 110; n++ {
		line := fmt.Sprintf("line %d", n)
		b.says(t, "one", line)
		to.await(t, "a line", func() bool { return to.numbers()[fmt.Sprint(n)] == 1 && !floor.of(line).IsZero() })
		to.mu.Lock()
		last := len(to.events) - 1
		later = append(later, to.came[last].Sub(floor.of(line)))
		took = append(took, to.came[last].Sub(to.events[last].At)) // the machine has this host's clock
		to.mu.Unlock()
	}
	slices.Sort(later)
	slices.Sort(took)
	if later[2] > 100*time.Millisecond {
		t.Errorf("a line was told %v after journalctl had printed it", later[2])
	}
	t.Logf("from the journal to tell, over SSH, a line took %v, %v more than journalctl takes to print it", took[2], later[2])
}

// stamps notes when lines come.
type stamps struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *stamps) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimSpace(line); s.at[line].IsZero() {
			s.at[line] = time.Now()
		}
	}
	return len(p), nil
}

func (s *stamps) of(line string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at[line]
}

// testRestart lets lines come while nobody follows.
func (b *bench) testRestart(t *testing.T) {
	b.service(t, "restarts")
	s, to, w := newStore(t), newSink(), numbered("w", "restarts.service")
	for n := range 5 {
		r := b.follow(t, s, to, w)
		b.says(t, "restarts", count(20*n+1, 20*n+10)...)
		to.once(t, 1, 20*n+10)
		r.stop(t)
		b.says(t, "restarts", count(20*n+11, 20*n+20)...)
	}
	r := b.follow(t, s, to, w)
	to.once(t, 1, 100)
	r.stop(t)
	if p := progress(t, s, "w"); to.repeated > 0 || p.Lines < 100 || p.Events != 100 || p.Gaps != 0 {
		t.Errorf("%d events were told again; stored is %+v", to.repeated, p)
	}
}

// testKills kills journalctl ten times while lines come.
func (b *bench) testKills(t *testing.T) {
	to := newSink()
	r := b.follow(t, newStore(t), to, numbered("w", "kills.service"))
	b.on(t, `systemd-run --quiet --unit=kills sh -c 'n=0; while [ $n -lt 1000 ]; do n=$((n+1)); echo line $n; sleep 0.01; done'`)
	for range 10 {
		before := ""
		to.await(t, "journalctl", func() bool { before = b.followers(t); return before != "" })
		b.on(t, "kill -KILL "+before)
		to.await(t, "another journalctl", func() bool { now := b.followers(t); return now != "" && now != before })
	}
	to.once(t, 1, 1000)
	r.stop(t)
	if to.repeated > 0 || len(to.of(logs.Gap)) > 0 {
		t.Errorf("%d events were told again, and %d gaps", to.repeated, len(to.of(logs.Gap)))
	}
}

// testRepeat has telling succeed and then seem to fail, as when we die in between: what
// is told again has the same ids.
func (b *bench) testRepeat(t *testing.T) {
	b.service(t, "repeats")
	s, to, w := newStore(t), newSink(), numbered("w", "repeats.service")
	r := b.follow(t, s, to, w)
	to.mu.Lock()
	to.fail = failOnce
	to.mu.Unlock()
	b.says(t, "repeats", count(1, 50)...)
	if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "cannot watch the journal of m1: cannot keep what was read: cannot tell ") {
		t.Errorf("the loop ended with %v", err)
	}
	to.mu.Lock()
	to.fail = nil
	to.mu.Unlock()
	r = b.follow(t, s, to, w)
	to.await(t, "all that was told, again", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.repeated > 0 && len(to.events) == 50
	})
	r.stop(t)
	to.once(t, 1, 50)
}

// testVacuum removes lines that nobody has read.
func (b *bench) testVacuum(t *testing.T) {
	b.service(t, "vacuums")
	s, to, w := newStore(t), newSink(), numbered("w", "vacuums.service")
	r := b.follow(t, s, to, w)
	b.says(t, "vacuums", "line 1")
	to.once(t, 1, 1)
	b.on(t, "journalctl --sync --rotate --vacuum-size=1") // what was read may go
	b.says(t, "vacuums", "line 2")
	to.once(t, 1, 2)
	r.stop(t)
	if len(to.of(logs.Gap)) > 0 {
		t.Errorf("there was no gap, but told was %v", to.of(logs.Gap)[0])
	}
	b.says(t, "vacuums", count(101, 200)...)
	b.on(t, "journalctl --sync --rotate --vacuum-size=1")
	b.says(t, "vacuums", "line 3")
	r = b.follow(t, s, to, w)
	to.once(t, 1, 3)
	r.stop(t)
	gaps := to.of(logs.Gap)
	if len(gaps) != 1 {
		t.Fatalf("%d gaps were told", len(gaps))
	}
	missing := 0
	if _, err := fmt.Sscan(gaps[0].Labels["missing"], &missing); err != nil || missing < 100 || missing > 150 {
		t.Errorf("missing are %q", gaps[0].Labels["missing"])
	}
	t.Log(gaps[0])
}

// testWiped takes the journal away and has journald begin another one.
func (b *bench) testWiped(t *testing.T) {
	b.service(t, "wiped")
	s, to, w := newStore(t), newSink(), numbered("w", "wiped.service")
	r := b.follow(t, s, to, w)
	b.says(t, "wiped", "line 1")
	to.once(t, 1, 1)
	r.stop(t)
	b.on(t, "rm -rf /var/log/journal/* /run/log/journal/*; systemctl restart systemd-journald")
	b.says(t, "wiped", "line 2")
	r = b.follow(t, s, to, w)
	to.once(t, 1, 2)
	b.says(t, "wiped", "line 3")
	to.once(t, 1, 3)
	r.stop(t)
	if gaps := to.of(logs.Gap); len(gaps) != 1 || !strings.Contains(gaps[0].Reason, "is gone from the journal") {
		t.Errorf("told were the gaps %v", gaps)
	}
}

// testAhead goes on from a place that the journal has not come to.
func (b *bench) testAhead(t *testing.T) {
	b.service(t, "ahead")
	s, to, w := newStore(t), newSink(), numbered("w", "ahead.service")
	b.follow(t, s, to, w).stop(t)
	err := s.Update(t.Context(), testKey, "ahead", func(doc []byte) ([]byte, error) {
		for _, number := range []string{";i=", ";m=", ";t="} {
			doc = bytes.ReplaceAll(doc, []byte(number), []byte(number+"f"))
		}
		return doc, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := b.follow(t, s, to, w)
	to.await(t, "a gap", func() bool { return len(to.of(logs.Gap)) == 1 })
	b.says(t, "ahead", "line 1")
	to.once(t, 1, 1)
	r.stop(t)
}

// testOdd reads messages that no text format holds.
func (b *bench) testOdd(t *testing.T) {
	b.journald(t, "RateLimitIntervalSec=0", "LineMax=4M")
	b.service(t, "odd")
	to := newSink()
	w := numbered("w", "odd.service")
	w.Match = append(w.Match, logs.Match{Name: "binary", Pattern: `bin(?P<rest>.*)`}, logs.Match{Name: "huge", Pattern: `(?s)^huge(?P<all>.*)$`})
	r := b.follow(t, newStore(t), to, w)
	b.says(t, "odd", "bin\xff\xfe\x01 tail", "line 1")
	b.says(t, "odd", "huge"+strings.Repeat("x", 3_000_000), "<3>line 2 first")
	to.await(t, "line 2", func() bool { return to.numbers()["2"] == 1 })
	r.stop(t)
	binary, huge := to.of("binary"), to.of("huge")
	if len(binary) != 1 || binary[0].Labels["rest"] != "\ufffd  tail" {
		t.Errorf("binary: %v", binary)
	}
	if len(huge) != 1 || len(huge[0].Reason) > 600 || !strings.HasSuffix(huge[0].Reason, "…") || !strings.HasPrefix(huge[0].Labels["all"], "xxxx") {
		t.Errorf("huge: %d", len(huge))
	}
	for _, e := range to.of("numbered") {
		if e.Labels["number"] == "2" && e.Labels["severity"] != logs.Critical {
			t.Errorf("got %+v", e)
		}
	}
}

// testJoined makes one event of several lines, and loses none that waits when the loop
// ends.
func (b *bench) testJoined(t *testing.T) {
	b.service(t, "joined")
	s, to := newStore(t), newSink()
	w := logs.Watcher{
		Cluster: "c", Name: "w", Machine: "m1", Unit: "joined.service", Limit: 100,
		Match: []logs.Match{{Name: "error", Pattern: `(?s)^ERROR (?P<what>\w+).*at (?P<place>\w+)$`}},
		Join:  logs.Join{Pattern: `^\s`, Lines: 10, Time: 20 * time.Second},
	}
	r := b.follow(t, s, to, w)
	b.says(t, "joined", "ERROR one", "  at a", "  at b", "ERROR two", " at c")
	to.await(t, "the first", func() bool { return len(to.of("error")) == 1 })
	r.stop(t)
	w.Join.Time = 200 * time.Millisecond
	r = b.follow(t, s, to, w)
	to.await(t, "the second", func() bool { return len(to.of("error")) == 2 })
	r.stop(t)
	got := to.of("error")
	if got[0].Labels["what"] != "one" || got[0].Labels["place"] != "b" || got[1].Labels["what"] != "two" || got[1].Labels["place"] != "c" || to.repeated > 0 {
		t.Errorf("got %v, and %d again", got, to.repeated)
	}
}

// testNotAllowed logs in as somebody who sees none of the journal.
func (b *bench) testNotAllowed(t *testing.T) {
	s, to := newStore(t), newSink()
	o := b.options(s, to)
	o.Machine = asUser{b.host}
	r := run(t, logs.NewJournal(o, []logs.Watcher{numbered("w", "one.service")}))
	to.await(t, "what is wrong", func() bool {
		state, err := logs.ReadState(t.Context(), s, testKey)
		return err == nil && strings.Contains(state.Trouble.Reason, "cannot read the journal: exit status 127")
	})
	r.stop(t)
}

// testHere runs this very program on the machine, and restarts it.
func (b *bench) testHere(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.m.Copy(t.Context(), self, "/root/logs.test"); err != nil {
		t.Fatal(err)
	}
	b.service(t, "here")
	start := func() {
		b.on(t, "systemd-run --quiet --unit=follower --setenv="+hereEnv+"=/root/store --property=StandardOutput=append:/root/events /root/logs.test")
	}
	told := func(n string) bool {
		return b.on(t, `grep -c '"number":"`+n+`"' /root/events || true`) == "1"
	}
	start()
	to := newSink()
	to.await(t, "journalctl", func() bool { return b.followers(t) != "" })
	b.says(t, "here", "line 1")
	to.await(t, "line 1", func() bool { return told("1") })
	b.on(t, "systemctl kill --signal=KILL follower; while systemctl is-active -q follower; do sleep 0.05; done; systemctl reset-failed follower || true")
	to.await(t, "the end of journalctl", func() bool { return b.followers(t) == "" })
	b.says(t, "here", "line 2")
	start()
	to.await(t, "line 2", func() bool { return told("2") })
	b.on(t, "systemctl stop follower")
	if got := b.on(t, "grep -c number /root/events"); got != "2" {
		t.Errorf("%s lines were told", got)
	}
}

// testSuppressed has journald drop lines and say so.
func (b *bench) testSuppressed(t *testing.T) {
	b.journald(t, "RateLimitIntervalSec=2s", "RateLimitBurst=100")
	b.service(t, "suppressed")
	s, to := newStore(t), newSink()
	r := b.follow(t, s, to, numbered("w", "suppressed.service"))
	b.says(t, "suppressed", count(1, 1000)...)
	to.await(t, "the word about it", func() bool {
		b.says(t, "suppressed", "again")
		return len(to.of(logs.Gap)) > 0
	})
	r.stop(t)
	told, missing := len(to.of("numbered")), 0
	if _, err := fmt.Sscan(to.of(logs.Gap)[0].Labels["missing"], &missing); err != nil || told < 50 || told+missing < 1000 {
		t.Errorf("%d were told, %d are missing: %v", told, missing, to.of(logs.Gap))
	}
}

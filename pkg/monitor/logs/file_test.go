package logs_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
)

// place is a folder with log files, and the way to it.
type place struct {
	dir     string
	machine logs.Machine
	sh      func(t *testing.T, command string)
}

func TestFileHere(t *testing.T) {
	t.Parallel()
	eachOnFiles(t, func(t *testing.T) place {
		dir := t.TempDir()
		return place{dir, remote.ThisHost(), func(t *testing.T, command string) {
			t.Helper()
			cmd := exec.Command("sh", "-ec", command)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}}
	})
}

func TestFileOverSSH(t *testing.T) {
	b := boot(t, lab.Debian12())
	n := 0
	eachOnFiles(t, func(t *testing.T) place {
		n++
		dir := fmt.Sprintf("/var/log/it's %d", n)
		b.on(t, "mkdir "+quoted(dir))
		return place{dir, b.host, func(t *testing.T, command string) {
			t.Helper()
			b.on(t, "set -e; cd "+quoted(dir)+"; "+command)
		}}
	})
}

func eachOnFiles(t *testing.T, at func(t *testing.T) place) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, place)
	}{
		{"from the end, then all", testFileBegin},
		{"renamed and made anew", testFileRenamed},
		{"copied and cut off", testFileCopied},
		{"replaced while nobody looked", testFileChain},
		{"cut off", testFileCutOff},
		{"written anew, and longer", testFileAnew},
		{"not there yet", testFileLater},
		{"long lines, and none whole", testFileLong},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, at(t)) })
	}
}

func (p place) follow(t *testing.T, o logs.Options) *running {
	t.Helper()
	o.Machine, o.Manager, o.Key, o.Mask = p.machine, "mgr", testKey, plain
	w := numbered("w", "")
	w.File = p.dir + "/log"
	w.Match = append(w.Match, logs.Match{Name: "long", Pattern: "^(?P<what>long)"}, logs.Match{Name: "rest", Pattern: "rest"})
	r := run(t, logs.NewFile(o, w))
	for end := time.Now().Add(longest); ; time.Sleep(5 * time.Millisecond) {
		state, err := logs.ReadState(t.Context(), o.Store, testKey)
		if err == nil && state.At != "" {
			return r
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("the loop does not begin: %v", err)
		}
	}
}

// write is the command that appends the lines with these numbers.
func write(file string, first, last int) string {
	return fmt.Sprintf("for n in $(seq %d %d); do echo line $n; done >>%s; ", first, last, file)
}

func (p place) sink(t *testing.T) (*sink, logs.Options) {
	to := newSink()
	return to, logs.Options{Store: newStore(t), Tell: to.tell}
}

func noGap(t *testing.T, to *sink) {
	t.Helper()
	if gaps := to.of(logs.Gap); len(gaps) > 0 || to.repeated > 0 {
		t.Errorf("told were %d gaps, and %d events again", len(gaps), to.repeated)
	}
}

func testFileBegin(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, write("log", 1, 100))
	r := p.follow(t, o)
	for n := range 3 {
		p.sh(t, write("log", 101+20*n, 110+20*n))
		to.once(t, 101, 110+20*n)
		r.stop(t)
		p.sh(t, write("log", 111+20*n, 120+20*n))
		r = p.follow(t, o)
	}
	to.once(t, 101, 160)
	r.stop(t)
	noGap(t, to)
	if e := to.all()[0]; e.Labels["file"] != p.dir+"/log" || e.Labels["unit"] != "" || e.Reason != "line 101" {
		t.Errorf("got %+v", e)
	}
}

func testFileRenamed(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	// Who has the old file open writes on into it for a moment.
	p.sh(t, write("log", 1, 5)+"exec 3>>log; mv log log.1; echo line 6 >&3; "+write("log", 8, 10)+"echo line 7 >&3")
	to.once(t, 1, 10)
	p.sh(t, "mv log.1 log.2; mv log log.1; "+write("log", 11, 20))
	to.once(t, 1, 20)
	r.stop(t)
	noGap(t, to)
}

func testFileCopied(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	p.sh(t, write("log", 1, 5))
	to.once(t, 1, 5)
	p.sh(t, write("log", 6, 10)+"cp log log.1; : >log; "+write("log", 11, 12))
	to.once(t, 1, 12)
	r.stop(t)
	p.sh(t, write("log", 13, 14)+"mv log.1 log.2; cp log log.1; : >log; "+write("log", 15, 30))
	r = p.follow(t, o)
	to.once(t, 1, 30)
	r.stop(t)
	noGap(t, to)
}

// testFileChain rotates twice between two runs.
func testFileChain(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	p.sh(t, write("log", 1, 5))
	to.once(t, 1, 5)
	r.stop(t)
	p.sh(t, write("log", 6, 7)+"mv log log.1; sleep 0.05; "+write("log", 8, 9)+"mv log.1 log.2; mv log log.1; sleep 0.05; "+write("log", 10, 11))
	r = p.follow(t, o)
	to.once(t, 1, 11)
	r.stop(t)
	noGap(t, to)
}

func testFileCutOff(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	p.sh(t, write("log", 1, 5))
	to.once(t, 1, 5)
	p.sh(t, ": >log; "+write("log", 6, 7))
	to.once(t, 1, 7)
	r.stop(t)
	if gaps := to.of(logs.Gap); len(gaps) != 1 || gaps[0].Labels["internal"] != "true" {
		t.Errorf("told were the gaps %v", gaps)
	}
}

// testFileAnew replaces the content by more than there was.
func testFileAnew(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	p.sh(t, write("log", 1, 5))
	to.once(t, 1, 5)
	r.stop(t)
	p.sh(t, "rm log; "+write("log", 6, 50))
	r = p.follow(t, o)
	to.once(t, 1, 50)
	r.stop(t)
	if len(to.of(logs.Gap)) != 1 {
		t.Errorf("told were the gaps %v", to.of(logs.Gap))
	}
}

func testFileLater(t *testing.T, p place) {
	to, o := p.sink(t)
	r := p.follow(t, o)
	p.sh(t, write("log", 1, 3))
	to.once(t, 1, 3)
	p.sh(t, "rm log")
	before := r.beats.Load()
	to.await(t, "a loop that has met that there is none", func() bool { return r.beats.Load() > before+20 })
	p.sh(t, write("log", 4, 6))
	to.once(t, 1, 6)
	r.stop(t)
}

func testFileLong(t *testing.T, p place) {
	to, o := p.sink(t)
	p.sh(t, "touch log")
	r := p.follow(t, o)
	p.sh(t, `{ printf long; head -c 700000 /dev/zero | tr '\0' x; echo rest; } >>log; `+write("log", 1, 1)+"printf 'line 2' >>log")
	to.once(t, 1, 1)
	p.sh(t, "printf '2\nli' >>log")
	to.await(t, "line 22", func() bool { return to.numbers()["22"] == 1 })
	p.sh(t, "printf 'ne 3' >>log; mv log log.1; "+write("log", 4, 4))
	to.await(t, "line 4", func() bool { return to.numbers()["4"] == 1 })
	r.stop(t)
	noGap(t, to)
	if n := to.numbers(); len(n) != 4 || n["3"] != 1 {
		t.Errorf("told were %v", n)
	}
	if long := to.of("long"); len(long) != 1 || len(to.of("rest")) != 0 || !strings.HasSuffix(long[0].Reason, "…") {
		t.Errorf("told were %v and %v", long, to.of("rest"))
	}
}

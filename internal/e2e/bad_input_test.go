package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tenMistakes has one in every line that a comment counts.
const tenMistakes = `manger: m            # 1
heartbeat:
  deadline: soon         # 2
  width: 0               # 3
ssh:
  host_key: whatever     # 4
clusters:
  demo:
    cloud: {driver: EC9} # 5
    instances:
      - {name: m1, ip: 10.0.0.1}
      - {name: m2, ip: 10.0.0.1}                            # 6
      - {name: m1, ip: 10.0.0.3}                            # 7
    services:
      - {name: "a/b", mode: mariadb, instance: m1}          # 8
      - {name: node10, mode: mariadbb, instance: m1}        # 9
      - {name: node11, mode: mariadb, instance: m9}         # 10
`

// TestConfigWithTenMistakes is told all of them at once, each with its place, by
// whatever door it comes.
func TestConfigWithTenMistakes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clmgr.yaml")
	must(t, os.WriteFile(file, []byte(tenMistakes), 0o600))
	const asked = "{level:'instances',command:{action:'heartbeat'}}"
	for name, a := range map[string]answer{
		"config check": clmgr(t, "", "-c", file, "config", "check"),
		"config show":  clmgr(t, "", "-c", file, "config", "show"),
		"heartbeat":    clmgr(t, "", "-c", file, "instances", "heartbeat"),
		"piped":        clmgr(t, asked, "-c", file),
	} {
		a.want(t, 2, `"manger"`, `"manager"`, "10.0.0.1", "mariadbb", "m9", `"a/b"`)
		places := regexp.MustCompile(regexp.QuoteMeta(file)+`:(\d+):\d+: `).FindAllStringSubmatch(a.stderr, -1)
		var lines []string
		for _, p := range places {
			lines = append(lines, p[1])
		}
		if got := strings.Join(lines, " "); got != "1 3 4 6 9 12 13 15 16 17" {
			t.Errorf("%s: the mistakes are said to be in lines %s:\n%s", name, got, a.stderr)
		}
	}
	if piped := parse(t, clmgr(t, asked, "-c", file).stdout); piped.Code != "ER0103" || !strings.Contains(piped.Reason, "mariadbb") {
		t.Errorf("the answer to a pipe is %+v", piped)
	}
}

// TestNamesThatAreTraps are refused in a configuration and match nothing in a filter;
// no shell and no path ever sees them.
func TestNamesThatAreTraps(t *testing.T) {
	t.Parallel()
	trap := filepath.Join(t.TempDir(), "sprung")
	d := newDoor(t)
	m := newManager(t, doors(map[string]*door{"door": d}))
	m.heartbeat(0)
	before := files(t, m.StateDir)
	for _, name := range []string{"$(touch " + trap + ")", "`touch " + trap + "`", "; touch " + trap, "../../" + trap, trap, "a b", "'", "\x01", "%s"} {
		m.run("instances", "heartbeat", "--", name).want(t, 2, "nothing matches")
		m.run("--cluster", name, "instances", "heartbeat").want(t, 2, "there is no cluster")
		document := fmt.Sprintf(`{"level":"instances","command":{"action":"heartbeat","group":%q}}`, name)
		m.pipe(strings.ReplaceAll(document, `\x`, `\u00`)).want(t, 2, "nothing matches")

		for _, spoil := range []func(c *conf){
			func(c *conf) { c.Clusters["demo"].Services[0].Name = name },
			func(c *conf) { c.Clusters["demo"].Instances = []instance{{Name: name, IP: "127.0.0.1"}} },
			func(c *conf) { c.Clusters[name] = &cluster{} },
			func(c *conf) { c.Manager = name },
		} {
			c := doors(map[string]*door{"door": d})
			spoil(&c)
			newManager(t, c).run("instances", "heartbeat").want(t, 2, "clmgr.yaml:")
		}
	}
	if _, err := os.Stat(trap); err == nil {
		t.Error("a name was executed")
	}
	if now := files(t, m.StateDir); len(now) != len(before) {
		t.Errorf("the state folder has other files: %v", now)
	}
}

// TestDocumentsCutShort are answered with their position, and those behind them run.
func TestDocumentsCutShort(t *testing.T) {
	t.Parallel()
	m := newManager(t, doors(map[string]*door{"door": newDoor(t)}))
	const whole = `{"level":"services","command":{"action":"status","group":"door"}}`
	for n := 1; n < len(whole); n += 7 {
		alone := m.pipe(whole[:n]).want(t, 2)
		if d := parse(t, alone.stdout); d.Code != "ER0101" || d.Position.Line != 1 || d.Reason == "" {
			t.Errorf("%q: %s", whole[:n], alone.stdout)
		}
		lines := strings.SplitAfter(m.pipe(whole[:n]+"\n"+whole+"\n").want(t, 2).stdout, "\n")
		if len(lines) != 3 || parse(t, lines[0]).Code != "ER0101" || parse(t, lines[1]).Code != "000000" {
			t.Errorf("%q and a good one: %q", whole[:n], lines)
		}
	}
}

// TestHugeDocument is 50 MB of one: refused without taking it into memory, and what
// follows it runs.
func TestHugeDocument(t *testing.T) {
	t.Parallel()
	m := newManager(t, doors(map[string]*door{"door": newDoor(t)}))
	const good = `{"level":"services","command":{"action":"status"}}` + "\n"
	modest := m.pipe(good).want(t, 0).peak
	for name, unit := range map[string]string{"string": "a", "nesting": "[{a:", "lines": strings.Repeat("1,", 40) + "\n", "keys": "k:{},"} {
		t.Run(name, func(t *testing.T) {
			begin := `{"level":`
			if name == "string" {
				begin += `"`
			}
			huge := io.MultiReader(strings.NewReader(begin), repeated(unit, 50<<20), strings.NewReader("\n"+good))
			a := start(t, huge, "-c", m.file).wait().want(t, 2)
			lines := strings.SplitAfter(a.stdout, "\n")
			if len(lines) != 3 || parse(t, lines[0]).Code != "ER0101" || parse(t, lines[1]).Code != "000000" {
				t.Errorf("answers: %.300q", lines)
			}
			// The race detector makes several bytes of each.
			if a.peak > modest+100<<10 {
				t.Errorf("it took %d KiB, a modest document %d", a.peak, modest)
			}
		})
	}
}

// repeated is a text over and over, so many bytes.
func repeated(unit string, size int64) io.Reader {
	block := strings.NewReader(strings.Repeat(unit, (1<<20)/len(unit)))
	return io.LimitReader(&endless{block}, size)
}

type endless struct{ block *strings.Reader }

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.block.Read(p)
	if errors.Is(err, io.EOF) {
		_, err = e.block.Seek(0, io.SeekStart)
	}
	return n, err
}

package provision

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote"
)

// asked are questions that share much, and whole what a machine answers to them.
var asked = []question{
	{packages: []string{"a", "b"}, files: []string{"/x"}},
	{packages: []string{"b"}, files: []string{"/x", "/y z"}, modes: []string{"/x"}, units: []string{"u", packageUnit}, script: "echo one\n"},
	{sql: []statement{{text: "SELECT 1"}}, script: "echo two\n"},
	{sql: []statement{{text: "SELECT 1"}}},
}

const whole = `== packages
installed a=1:2
not-installed b=
== status 0
== files
aa  /x
bb  /y z
== modes
755 /x
== units
Id=u.service
ActiveState=active
UnitFileState=enabled-runtime

Id=mariadb.service
ActiveState=inactive
UnitFileState=enabled
== 0
== 1
one
== status 7
== files
== 2
two
== 3
== sql
1
1
== status 0
== end
`

func TestReplies(t *testing.T) {
	list := replies(asked, parseAnswer(asked, whole), nil)
	for n, r := range list {
		if r.err != nil {
			t.Errorf("%d: %v", n, r.err)
		}
	}
	r := list[1]
	if strings.Join(r.packages, " ") != "a=1:2" || r.sums["/x"] != "aa" || r.sums["/y z"] != "bb" || r.modes["/x"] != "755" {
		t.Errorf("%+v", r)
	}
	if r.units["u"] != (unitSeen{active: true}) || r.units[packageUnit] != (unitSeen{enabled: true}) {
		t.Errorf("the units are %+v", r.units)
	}
	// What looks like the beginning of an earlier part is none.
	if r.out != "one\n== status 7\n== files\n" || list[2].out != "two\n" || list[3].rows != "1\n1\n" {
		t.Errorf("%q, %q, %q", r.out, list[2].out, list[3].rows)
	}
}

// Who asks what did not work is told so, the others are not.
func TestRepliesOfFailures(t *testing.T) {
	gone := errors.New("the connection is gone")
	upTo := func(text string) string {
		before, _, _ := strings.Cut(whole, text)
		return before
	}
	for _, c := range []struct {
		name, out string
		stopped   error
		want      string // the questions that fail
	}{
		{"no package database", strings.Replace(whole, "== status 0\n== files", "== status 1\n== files", 1), nil, "01"},
		{"a server that refuses", strings.Replace(whole, "== status 0\n== end", "== status 1\n== end", 1), nil, "23"},
		{"a server that hangs", upTo("== sql"), gone, "23"}, // its part has not begun
		{"no end", strings.TrimSuffix(whole, "== end\n"), nil, "23"},
		{"cut in the middle", upTo("one"), gone, "123"},
		{"nothing", "", gone, "0123"},
	} {
		got := ""
		for n, r := range replies(asked, parseAnswer(asked, c.out), c.stopped) {
			if r.err != nil {
				got += string(rune('0' + n))
			}
			if r.err != nil && c.stopped != nil && !errors.Is(r.err, c.stopped) {
				t.Errorf("%s: %v", c.name, r.err)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q fail, want %q", c.name, got, c.want)
		}
	}
}

// What several ask for is asked for once, and the server only where somebody asks it.
func TestAskScript(t *testing.T) {
	script := askScript(asked)
	for what, want := range map[string]int{"dpkg-query -W": 1, " a b ": 2, "sha256sum /x": 1, "systemctl show": 1, " u mariadb)": 1, "SELECT 1;\n": 1, "echo one\n": 1} {
		if n := strings.Count(script, what); n != want {
			t.Errorf("%q is there %d times, want %d, in\n%s", what, n, want, script)
		}
	}
	plain := askScript([]question{{script: "echo one\n"}})
	for _, program := range []string{"dpkg", "systemctl", "sha256sum", "stat ", "mariadb"} {
		if strings.Contains(plain, program) {
			t.Errorf("%s is run for nobody", program)
		}
	}
}

// Each database of a machine is asked for itself: one that hangs keeps only its own answer.
func TestSeveralAreAsked(t *testing.T) {
	db3 := placeOf("mariadb@db3")
	list := []question{
		{sql: []statement{{text: "SELECT 1"}}},
		{sql: []statement{{text: "SELECT 1"}}, at: db3},
		{sql: []statement{{text: "SELECT 3"}}, at: db3},
		{sql: []statement{{text: "SELECT 1"}}, at: db3},
	}
	script := askScript(list)
	for what, want := range map[string]int{"SELECT 1;\n": 2, "SELECT 3;\n": 1, "timeout 3 mariadb": 1, "db_at='--socket=/run/mysqld-db3/mysqld.sock'": 1, " mariadb mariadb@db3)": 1} {
		if n := strings.Count(script, what); n != want {
			t.Errorf("%q is there %d times, want %d, in\n%s", what, n, want, script)
		}
	}
	got := replies(list, parseAnswer(list, "== 0\n== 1\n== 2\n== 3\n== sql\n== status 124\n== sql@db3\n== sql\n3\n== status 0\n== end\n"), nil)
	if got[0].err == nil || got[0].err.Error() != "mariadb has not answered in 3s" {
		t.Errorf("the first: %v", got[0].err)
	}
	for n, r := range got[1:] {
		if r.err != nil || r.rows != "== sql\n3\n" {
			t.Errorf("%d: %q, %v", n+1, r.rows, r.err)
		}
	}
}

// away is a machine that cannot be reached.
type away struct{ runs int }

func (a *away) Run(context.Context, string, io.Reader) (remote.Output, error) {
	a.runs++
	return remote.Output{}, errors.New("asked again")
}

func (a *away) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, &remote.Error{Stage: remote.StageSilent, Err: errors.New("no answer")}
}

// Who is away is waited for once.
func TestAskedOnce(t *testing.T) {
	m := &away{}
	for n, r := range ask(t.Context(), m, asked...) {
		if r.err == nil || !strings.Contains(r.err.Error(), "no answer") || m.runs != 0 {
			t.Errorf("%d: %v, by %d scripts", n, r.err, m.runs)
		}
	}
}

// Whatever a machine prints, nobody is told what it did not say.
func FuzzReplies(f *testing.F) {
	f.Add(whole)
	f.Add("== 0\n== sql\n== status x\n== end")
	f.Fuzz(func(t *testing.T, out string) {
		ended := strings.Contains("\n"+out, "\n== end")
		for n, r := range replies(asked, parseAnswer(asked, out), nil) {
			if r.err == nil && len(asked[n].sql) > 0 && !ended {
				t.Errorf("question %d is answered by %q", n, out)
			}
		}
	})
}

package actions

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// drafts reads the lines of a scene as drafts; after=x means the xth of them,
// after=W.x one of the queue.
func request(t *testing.T, lines string) Request {
	t.Helper()
	r := Request{Writer: "w", Now: t0, Limits: Usual(), Words: UsualWords(), AskedBy: Asker{Who: "ann"}}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		a := actionIn(t, &Queue{}, line)
		a.ID, a.Expires = ID{}, time.Time{}
		for n := range a.After {
			if a.After[n].Seq < 20 {
				a.After[n].Writer = ""
			} else {
				a.After[n].Seq -= 20 // u is w.1, v is w.2, …
			}
		}
		r.Drafts = append(r.Drafts, a)
	}
	return r
}

func answered(added []Added, bad []Bad) string {
	var out []string
	for _, a := range added {
		word := fmt.Sprintf("%d=%s", a.Draft, a.ID)
		if a.Joined {
			word += "+"
		}
		out = append(out, word)
	}
	for _, b := range bad {
		out = append(out, fmt.Sprintf("%d!", b.Entry))
	}
	return strings.Join(out, " ")
}

// There is w.1 (u), w.2 (v), …; what is asked for then gets new ids or joins ("+").
func TestAdd(t *testing.T) {
	for _, c := range []struct{ name, there, asked, want string }{
		{"new", "", "start node1\nstart node2", "1=w.1 2=w.2"},
		{"the same twice", "start node1", "start node1", "1=w.1+"},
		{"the same twice at once", "", "start node1\nstart node1", "1=w.1 2=w.1+"},
		{"while it runs", "start node1 | claim:x", "start node1", "1=w.1+"},
		{"once it is done", "start node1 | claim:x finish:x", "start node1", "1=w.2"},
		{"once it failed", "start node1 | park", "start node1", "1=w.2"},
		{"another trigger", "start node1 when m1 running", "start node1", "1=w.2"},
		{"another machine", "start node1 bound=i-1", "start node1 bound=i-2", "1=w.2"},
		{"a machine that has come since", "start node1", "start node1 bound=i-1", "1=w.1+"},
		{"any machine, and not that one", "start node1 bound=i-1", "start node1", "1=w.2"},
		{"sooner", "start node1 not_before=1m", "start node1", "1=w.2"},
		{"later", "start node1", "start node1 not_before=1m", "1=w.1+"},
		{"at the end of a plan that is stuck", "start node1 plan=p | park\nstart node2 plan=p", "start node2", "1=w.3"},

		{"after what is there", "start node1", "start node2 after=u", "1=w.2"},
		{"after one another", "", "start node1\nstart node2 after=a", "1=w.1 2=w.2"},
		{"after a later one", "", "start node1 after=b\nstart node2", "1=w.1 2=w.2"},
		{"after nothing known", "", "start node1 after=v", "1!"},
		{"after itself", "", "start node1 after=a", "1!"},
		{"in a circle", "", "start node1 after=b\nstart node2 after=c\nstart node3 after=a\nstart node4", "4=w.1 1! 2! 3!"},
		{"against the plan", "", "start node1 plan=p after=b\nstart node2 plan=p", "1! 2!"},
		{"after what is refused", "", "start node1 after=a\nstart node2 after=a\nstart node3", "3=w.1 1! 2!"},
		{"the same but after something", "start node1", "start node2\nstart node1 after=a", "1=w.2 2=w.3"},
		{"the same after the same", "start node2\nstart node1 after=a", "start node2\nstart node1 after=a", "1=w.1+ 2=w.2+"},

		{"a plan twice", "start m1 plan=p\nstart node1 plan=p", "start m1 plan=q\nstart node1 plan=q", "1=w.1+ 2=w.2+"},
		{"a plan that begins the same", "start m1 plan=p\nstart node1 plan=p", "start m1 plan=q\nstart node2 plan=q", "1=w.1+ 2=w.3"},
		{"a plan that ends the same", "start m1 plan=p\nstart node1 plan=p", "start m2 plan=q\nstart node1 plan=q", "1=w.3 2=w.4"},
		{"a plan in another order", "start m1 plan=p\nstart node1 plan=p", "start node1 plan=q\nstart m1 plan=q", "1=w.2+ 2=w.3"},
		{"more of a plan", "start m1 plan=p", "start node1 plan=p", "1=w.2"},
		{"more of a cancelled plan", "start m1 plan=p | cancel", "start node1 plan=p", "1!"},

		{"unknown words", "", "start node1\nexplode node1\nstart node1 when m1 happy\nstart node1 when-service m1 On", "1=w.1 2! 3! 4!"},
		{"put off for too long", "", "start node1 not_before=6m", "1!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := scene(t, c.there)
			if got := answered(q.Add(request(t, c.asked))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What joined the beginning of a plan still comes first.
func TestPlanAfterWhatItJoined(t *testing.T) {
	q := scene(t, "start m1 plan=p\nstart node1 plan=p")
	q.Add(request(t, "start m1 plan=q\nstart node2 plan=q\nstart node3 plan=q"))
	if got := told(q.Due(input(t, "m1=stopped"))); got != "a=due b=after c=after d=after" {
		t.Error(got)
	}
	c, _ := q.Get(lettered("c"))
	d, _ := q.Get(lettered("d"))
	if fmt.Sprint(c.After, d.After) != "[w.1] []" {
		t.Error(c.After, d.After)
	}
}

func TestAddRecords(t *testing.T) {
	q := scene(t, "start node1 | claim:x finish:x\nstart node2")
	r := request(t, "start node3 after=u,v\nstart node4")
	r.InOrder, r.Now = true, t0.Add(time.Minute)
	q.Add(r)
	a, _ := q.Get(ID{"w", 3})
	b, _ := q.Get(ID{"w", 4})
	if fmt.Sprint(a.After) != "[w.2]" || a.Plan != "w.3" || b.Plan != "w.3" {
		t.Errorf("after %v, plans %q and %q", a.After, a.Plan, b.Plan)
	}
	if a.AskedBy.Who != "ann" || !a.Created.Equal(r.Now) || !a.Expires.Equal(r.Now.Add(24*time.Hour)) {
		t.Errorf("%+v", a)
	}
}

func TestStrictAddsAllOrNothing(t *testing.T) {
	q := &Queue{}
	r := request(t, "start node1\nexplode node2")
	r.Strict = true
	if got := answered(q.Add(r)); got != "2!" || q.Len() != 0 {
		t.Errorf("%s, %d queued", got, q.Len())
	}
}

// What is wrong is said in words that help.
func TestBadDrafts(t *testing.T) {
	for asked, want := range map[string]string{
		"explode node1":               `cannot queue entry 1: there is no action "explode", only adopt, bootstrap_binaries, bootstrap_config, bootstrap_ncc, hand_over, install, remove, replicate, restart, restart_replica, start, stop, sync`,
		"start node1 when m1 happy":   `cannot queue entry 1: there is no event state "happy", only absent, pending, running, shutting-down, stopped, stopping, terminated, unreachable`,
		"start node7":                 `cannot queue entry 1: there is no group "node7" in cluster prod`,
		"start node1 after=a":         `cannot queue entry 1: it comes after itself`,
		"start node1 not_before=301s": `cannot queue entry 1: it cannot be put off for longer than 5m0s`,
	} {
		r := request(t, asked)
		r.Words.Groups = map[string]map[string]bool{"prod": {"node1": true}}
		_, bad := (&Queue{}).Add(r)
		if len(bad) != 1 || bad[0].Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", asked, bad, want)
		}
	}
	r := request(t, "start node1")
	r.Writer = "no good"
	if _, bad := (&Queue{}).Add(r); len(bad) != 1 {
		t.Error("a writer with a space was taken")
	}
	r = request(t, "start node1")
	r.Drafts[0].Do.Level = "galaxies"
	if _, bad := (&Queue{}).Add(r); len(bad) != 1 || !strings.Contains(bad[0].Error(), `level "galaxies", only instances, scripts, services`) {
		t.Error(bad)
	}
}

func TestCancelTakesSuccessors(t *testing.T) {
	q := scene(t, `
		start node1 plan=p
		start node2 plan=p
		start node3 after=b
		start node4 after=c
		start node5 plan=p | claim:x finish:x
		start node6`)
	ids, err := q.Cancel(ID{"w", 2}, t0)
	if err != nil || fmt.Sprint(ids) != "[w.2 w.3 w.4]" {
		t.Errorf("%v %v", ids, err)
	}
	if got := states(q); got != "a=waiting b=cancelled c=cancelled d=cancelled e=done f=waiting" {
		t.Error(got)
	}
	var r *Refused
	if _, err := q.Cancel(ID{"w", 5}, t0); !errors.As(err, &r) || r.From != Done {
		t.Errorf("cancelled what is done: %v", err)
	}
	if _, err := q.Cancel(ID{"w", 9}, t0); err == nil || errors.As(err, &r) {
		t.Errorf("cancelled what is not there: %v", err)
	}
	if ids, err := q.CancelPlan("prod", "p", t0); err != nil || states(q)[:9] != "a=cancell" {
		t.Errorf("%v %v %s", ids, err, states(q))
	}
	if _, err := q.CancelPlan("prod", "nope", t0); err == nil {
		t.Error("cancelled a plan that is not there")
	}
}

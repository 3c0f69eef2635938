package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// unitOf is what systemd says, in one line: "active sub restarts result type load".
func unitOf(text string) shown {
	u := shown{id: "u.service", load: "loaded", result: "success", typ: "simple"}
	for n, word := range strings.Fields(text) {
		switch n {
		case 0:
			u.active = word
		case 1:
			u.sub = word
		case 2:
			_, _ = fmt.Sscan(word, &u.restarts)
		case 3:
			u.result = word
		case 4:
			u.typ = word
		case 5:
			u.load = word
		}
	}
	return u
}

// look is one turn about the unit u; a word "hit=…" is the journal's cursor of the last hit.
func (p *pages) look(m Units, now time.Time, text string) []string {
	said, hit, _ := strings.Cut(text, "hit=")
	seen := sight{hostname: "host1", units: map[string]shown{"u": unitOf(said)}, hits: map[string]string{"u": hit}}
	return p.turn(now, func(b *book, now time.Time) { m.turn(b, plain, seen, nil, now) })
}

// One step is a look 10 s later, and what is told of it.
func TestUnits(t *testing.T) {
	m := Units{
		Machine: Machine{Cluster: "demo", Name: "h"}, Units: []Unit{{"u", Critical}},
		Settle: 20 * time.Second, Calm: 30 * time.Second, Restarts: 1,
	}
	often := m
	often.Restarts = 3
	for _, c := range []struct {
		what  string
		m     Units
		looks []string // "look | told"
	}{
		{"stopped and started", m, []string{
			"active running |", "inactive dead | h/u: running → stopped", "inactive dead |", "active running | h/u: stopped → running",
		}},
		{"as it was found", m, []string{"failed failed 0 exit-code | h/u: unknown → failed", "active running | h/u: failed → running"}},
		{"on its way", m, []string{
			"active running |", "deactivating stop-sigterm |", "activating start |", "active running |",
			"activating start |", "activating start |", "activating start | h/u: running → starting", "failed failed | h/u: starting → failed",
		}},
		{"reloading", m, []string{"active running |", "reloading reload |", "active running |"}},
		{"gone", m, []string{"active running |", "inactive dead 0 success simple not-found | h/u: running → absent"}},
		{"oneshot", m, []string{
			"inactive dead 0 success oneshot |", "activating start 0 success oneshot |", "inactive dead 0 success oneshot |",
			"failed failed 0 exit-code oneshot | h/u: running → failed", "inactive dead 0 success oneshot | h/u: failed → running",
		}},
		{"restarts", m, []string{
			"active running 5 |", "active running 5 |", "active running 6 | h/u/restarts: steady → restarting", "active running 8 |", "active running 8 |",
			"active running 8 |", "active running 8 | h/u/restarts: restarting → steady",
		}},
		{"a counter that begins anew", m, []string{"active running 5 |", "active running 0 |", "active running 1 | h/u/restarts: steady → restarting"}},
		{"restarts, often", often, []string{
			"active running 0 |", "active running 1 |", "active running 2 |", "active running 3 | h/u/restarts: steady → restarting",
			"active running 3 |", "active running 3 |", "active running 3 | h/u/restarts: restarting → steady",
		}},
		{"watchdog", m, []string{
			"active running 0 hit=a |", "active running 0 hit=a |", "active running 0 hit=b | h/u/watchdog: quiet → hit", "active running 0 |",
			"active running 0 hit=c |", "active running 0 |", "active running 0 |", "active running 0 hit=c | h/u/watchdog: hit → quiet",
		}},
		{"watchdog, and stays down", m, []string{
			"active running 0 |", "failed failed 0 watchdog | h/u: running → failed; h/u/watchdog: quiet → hit", "failed failed 0 watchdog |", "failed failed 0 watchdog |",
			"failed failed 0 watchdog |", "active running 0 success | h/u: failed → running; h/u/watchdog: hit → quiet",
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := &pages{t: t}
			for n, step := range c.looks {
				text, want, _ := strings.Cut(step, "|")
				same(t, fmt.Sprintf("look %d, %s", n+1, text), p.look(c.m, noon.Add(time.Duration(n)*10*time.Second), strings.TrimSpace(text)), strings.TrimSpace(want))
			}
		})
	}
}

// However often systemd restarts a unit: it is told once until there was calm, and what is
// remembered stays small.
func TestUnitRestartsAreTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Units{Machine: Machine{Name: "h"}, Units: []Unit{{"u", Critical}}, Calm: 30 * time.Second, Restarts: rapid.IntRange(1, 4).Draw(t, "limit")}
		p, now, count, restarting := &pages{t: t}, noon, 0, false
		var grown []time.Time
		p.look(m, now, "active running 0")
		for range rapid.IntRange(1, 50).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			grew := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 1000}).Draw(t, "grew")
			count += grew
			within := 0
			for range grew {
				grown = append(grown, now)
			}
			for _, at := range grown {
				if now.Sub(at) < m.Calm {
					within++
				}
			}
			want := within >= m.Restarts || restarting && within > 0
			got := p.look(m, now, fmt.Sprintf("active running %d", count))
			if told := len(got) > 0; told != (want != restarting) {
				t.Fatalf("%d restarts within calm: told %v", within, got)
			}
			restarting = want
			if len(p.doc) > 12_000 {
				t.Fatalf("%d bytes are remembered", len(p.doc))
			}
		}
	})
}

// What systemctl says is read for each of the units that were asked for.
func TestReadUnits(t *testing.T) {
	const text = "m1\n\nType=notify\nNRestarts=2\nResult=success\nId=mariadb.service\nLoadState=loaded\nActiveState=active\nSubState=running\nInvocationID=abc\n" +
		"\nId=none.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"
	hostname, units, err := readUnits(text, []string{"mysql", "none"})
	if err != nil || hostname != "m1" {
		t.Fatalf("%q, %v", hostname, err)
	}
	if want := (shown{"mariadb.service", "loaded", "active", "running", "success", "notify", "abc", 2}); units["mysql"] != want {
		t.Errorf("%+v", units["mysql"])
	}
	if want := (shown{id: "none.service", load: "not-found", active: "inactive", sub: "dead"}); units["none"] != want {
		t.Errorf("%+v", units["none"])
	}
	for _, text := range []string{"", "m1\n", text[:40], text + "\nId=x\n", "m1\n\nId=a\n\nId=b\n"} {
		if _, _, err := readUnits(text, []string{"mysql", "none"}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// The journal is asked about what was started anew at one of the last two looks.
func TestSuspects(t *testing.T) {
	m := Units{Units: []Unit{{"a", Info}, {"b", Info}}}
	look := func(a, b string) map[string]shown {
		return map[string]shown{"a": {load: "loaded", run: a}, "b": {load: "loaded", run: b}}
	}
	for _, c := range []struct {
		now    map[string]shown
		before []map[string]shown
		want   string
	}{
		{look("1", "1"), nil, "[a b]"},
		{look("1", "1"), []map[string]shown{look("1", "1")}, "[a b]"},
		{look("1", "1"), []map[string]shown{look("1", "1"), look("1", "1")}, "[]"},
		{look("2", "1"), []map[string]shown{look("1", "1"), look("1", "1")}, "[a]"},
		{look("2", "1"), []map[string]shown{look("2", "1"), look("1", "1")}, "[a]"},
		{look("2", "1"), []map[string]shown{look("2", "1"), look("2", "1")}, "[]"},
	} {
		if got := fmt.Sprint(m.suspects(c.now, c.before)); got != c.want {
			t.Errorf("%v after %v: %s, wanted %s", c.now, c.before, got, c.want)
		}
	}
}

package monitor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// metric is one whose comparison is right.
func metric(t interface{ Fatal(...any) }, compare, until string, typ Type) Metric {
	m := Metric{Cluster: "demo", Name: "m", Type: typ, Severity: Warning, Repeat: time.Hour}
	var err1, err2 error
	m.Compare, err1 = ParseComparison(compare, typ)
	m.Until, err2 = ParseComparison(until, typ)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	m.Change = compare == ""
	return m
}

// answerOf is an answer in one line: "5" is a scalar, "a=1 b=2" are two series, "!" is a
// failure, "" a vector without series.
func answerOf(text string) ([]sample, error) {
	if text == "!" {
		return nil, errors.New("refused")
	}
	var out []sample
	for word := range strings.FieldsSeq(text) {
		label, v, ok := strings.Cut(word, "=")
		if !ok {
			return []sample{{value: word}}, nil
		}
		out = append(out, sample{labels: map[string]string{"__name__": "x", "s": label}, value: v})
	}
	return out, nil
}

// One step is an answer a minute later, and what is told of it.
func TestMetrics(t *testing.T) {
	for _, c := range []struct {
		what    string
		m       Metric
		answers []string // "answer | told"
	}{
		{"above", metric(t, "> 30", "", Float), []string{
			"30 |", "31 | m: ok → warning", "1e9 |", "+Inf |", "30 | m: warning → ok", "-Inf |",
		}},
		{"between two limits", metric(t, ">= 30", "< 10", Float), []string{
			"20 |", "30 | m: ok → warning", "10 |", "29 |", "9.9 | m: warning → ok", "20 |",
		}},
		{"what is no number", metric(t, "> 30", "", Float), []string{
			"31 | m: ok → warning", "NaN | m/range: in-range → out-of-range", "NaN |", "much |", "31 | m/range: out-of-range → in-range", "1 | m: warning → ok",
		}},
		{"a query that fails", metric(t, "> 30", "", Float), []string{
			"31 | m: ok → warning", "! | m/query: answering → failed", "! |", "31 | m/query: failed → answering", "! | m/query: answering → failed",
			"1 | m/query: failed → answering; m: warning → ok",
		}},
		{"series", metric(t, "!= 0", "", Integer), []string{
			`a=0 b=1 | m{s="b"}: ok → warning`, `a=1 | m{s="a"}: ok → warning`, `b=0 | m{s="b"}: warning → ok`, `a=1.5 | m{s="a"}/range: in-range → out-of-range`, ` |`,
		}},
		{"twice the same series", metric(t, "> 0", "", Float), []string{`a=1 a=1 | m/query: answering → failed`}},
		{"only what is wrong is shown", func() Metric { m := metric(t, "> 0", "", Float); m.AbsentIsOK = true; return m }(), []string{
			`a=1 b=1 | m{s="a"}: ok → warning; m{s="b"}: ok → warning`, `b=1 | m{s="a"}: warning → ok`, "! | m/query: answering → failed", ` | m/query: failed → answering; m{s="b"}: warning → ok`,
		}},
		{"for", func() Metric { m := metric(t, "> 0", "", Float); m.For = 2 * time.Minute; return m }(), []string{
			"1 |", "0 |", "1 |", "1 |", "1 | m: ok → warning", "0 | m: warning → ok", "1 |", "! | m/query: answering → failed", "1 | m/query: failed → answering; m: ok → warning",
		}},
		{"range", func() Metric { m := metric(t, "> 50", "", Float); m.Range = Range{0, 100, true}; return m }(), []string{
			"100 | m: ok → warning", "101 | m/range: in-range → out-of-range", "-1 |", "+Inf |", "50 | m/range: out-of-range → in-range; m: warning → ok",
		}},
		{"change", metric(t, "", "", Float), []string{
			"5 |", "5 |", "6.50 | m: 5 → 6.5", "! | m/query: answering → failed", "6.5 | m/query: failed → answering", "5 | m: 6.5 → 5",
		}},
		{"change that lasts", func() Metric { m := metric(t, "", "", Float); m.For = time.Minute; return m }(), []string{
			"5 |", "6 |", "5 |", "6 |", "7 |", "7 | m: 5 → 7",
		}},
		{"text", metric(t, "=~ ^on", "== off", String), []string{"off |", "one | m: ok → warning", "two |", "off | m: warning → ok"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := &pages{t: t}
			for n, step := range c.answers {
				answer, want, _ := strings.Cut(step, "|")
				samples, err := answerOf(strings.TrimSpace(answer))
				now := noon.Add(time.Duration(n) * time.Minute)
				got := p.turn(now, func(b *book, now time.Time) { c.m.turn(b, plain, samples, err, now) })
				same(t, fmt.Sprintf("step %d, %s", n+1, answer), got, strings.TrimSpace(want))
			}
		})
	}
}

// ask is one turn of a metric with an answer.
func (p *pages) ask(m Metric, now time.Time, answer string) []string {
	samples, err := answerOf(answer)
	return p.turn(now, func(b *book, now time.Time) { m.turn(b, plain, samples, err, now) })
}

// What is not seen for a day is forgotten, and with it what was told.
func TestMetricsForget(t *testing.T) {
	p, m := &pages{t: t}, metric(t, "> 0", "", Float)
	same(t, "begin", p.ask(m, noon, "a=1 b=0 c=1"), `m{s="a"}: ok → warning; m{s="c"}: ok → warning`)
	same(t, "out of range", p.ask(m, noon.Add(time.Hour), "b=0 c=NaN"), `m{s="c"}/range: in-range → out-of-range`)
	same(t, "nearly a day", p.ask(m, noon.Add(23*time.Hour), "b=0"), "")
	same(t, "a day", p.ask(m, noon.Add(26*time.Hour), "b=0"),
		`m{s="a"}: warning → unknown; m{s="c"}: warning → unknown; m{s="c"}/range: out-of-range → unknown`)
	same(t, "again", p.ask(m, noon.Add(27*time.Hour), "a=1 b=0"), `m{s="a"}: ok → warning`)
}

// A metric of the same name that says something else begins anew.
func TestMetricsRedefined(t *testing.T) {
	p := &pages{t: t}
	same(t, "begin", p.ask(metric(t, "> 0", "", Float), noon, "1"), "m: ok → warning")
	same(t, "change", p.ask(metric(t, "", "", Float), noon, "1"), "m: warning → unknown")
	same(t, "changed", p.ask(metric(t, "", "", Float), noon, "2"), "m: 1 → 2")
	same(t, "compare", p.ask(metric(t, "> 0", "", Float), noon, "2"), "m: ok → warning")
}

// What waits for an action is told again, each time with an id of its own, until it
// is acknowledged.
func TestMetricsActed(t *testing.T) {
	p, m := &pages{t: t}, metric(t, "", "", Float)
	m.Acted, m.Repeat = true, 10*time.Minute
	acted := func(state string) {
		b, err := readBook(p.doc, noon)
		if err != nil {
			t.Fatal(err)
		}
		b.Tracks["m"].Acked = state
		if p.doc, err = b.write(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		minute        int
		answer, acted string
		want          string
	}{
		{0, "1", "", "m: unknown → 1"},
		{9, "1", "", ""},
		{10, "1", "", "m: unknown → 1"},
		{11, "2", "", "m: unknown → 2"}, // the first was never acted on
		{20, "2", "2", ""},
		{40, "2", "", ""},
		{41, "3", "", "m: 2 → 3"},
		{42, "2", "", "m: 3 → 2"}, // back to what is remembered: nothing is left to do
		{60, "2", "", ""},
		{61, "2", "3", "m: 3 → 2"}, // the action ended after all
		{62, "2", "2", ""},
		{80, "2", "", ""},
	} {
		if c.acted != "" {
			acted(c.acted)
		}
		same(t, fmt.Sprintf("minute %d", c.minute), p.ask(m, noon.Add(time.Duration(c.minute)*time.Minute), c.answer), c.want)
	}
	p, m = &pages{t: t}, metric(t, "> 0", "", Float)
	m.Acted, m.Repeat = true, time.Minute
	same(t, "trouble", p.ask(m, noon, "1"), "m: ok → warning")
	same(t, "again", p.ask(m, noon.Add(time.Minute), "1"), "m: ok → warning")
	same(t, "over", p.ask(m, noon.Add(2*time.Minute), "0"), "m: warning → ok")
	same(t, "needs no action", p.ask(m, noon.Add(9*time.Minute), "0"), "")
}

// Whatever is answered and whatever fails: the events of a condition are a chain, each was
// the is of the one before; they follow the values that can be true; and ids are unique.
func TestMetricsAreAChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := metric(t, rapid.SampledFrom([]string{"", "> 5"}).Draw(t, "compare"), "", Float)
		if !m.Change && rapid.Bool().Draw(t, "hysteresis") {
			m.Until, _ = ParseComparison("< 3", Float)
		}
		m.For = time.Duration(rapid.IntRange(0, 3).Draw(t, "for")) * time.Minute
		m.Range = Range{0, 9, true}
		p := &pages{t: t}
		is, ids := map[string]string{}, map[string]bool{}
		now, firing := noon, false
		for range rapid.IntRange(1, 40).Draw(t, "answers") {
			answer := rapid.SampledFrom([]string{"!", "NaN", "-1", "10", "0", "2", "4", "6", "9"}).Draw(t, "answer")
			now = now.Add(time.Minute)
			samples, err := answerOf(answer)
			for _, e := range p.events(now, func(b *book, now time.Time) { m.turn(b, plain, samples, err, now) }) {
				if was, told := is[e.Key.Name]; told && was != e.Was.State {
					t.Fatalf("%v, but it was %s", e, was)
				}
				if e.Was == e.Is || ids[e.ID] {
					t.Fatalf("%v is no change, or its id is not its own", e)
				}
				is[e.Key.Name], ids[e.ID] = e.Is.State, true
				n, bad := strconv.ParseFloat(answer, 64)
				if e.Key.Name == "m" && (bad != nil || n < 0 || n > 9 || n != n) {
					t.Fatalf("%v by the answer %s", e, answer)
				}
			}
			firing = m.model(firing, answer)
			if want := map[bool]string{true: Warning, false: OK}[firing]; m.For == 0 && !m.Change && is["m"] != want && (firing || is["m"] != "") {
				t.Fatalf("%s after %s, wanted %s", is["m"], answer, want)
			}
		}
	})
}

// model says in another way whether the condition of TestMetricsAreAChain holds.
func (m Metric) model(firing bool, answer string) bool {
	switch answer {
	case "6", "9":
		return true
	case "4":
		return firing && !m.Until.zero()
	case "0", "2":
		return false
	}
	return firing // not believed
}

// Secrets and line breaks of the other side come into no event.
func TestMetricsAreMasked(t *testing.T) {
	o := Options{Manager: "mgr1", Mask: func(s string) string { return strings.ReplaceAll(s, "hunter2", "xxx") }}
	m := metric(t, "", "", String)
	m.Label = "v"
	p := &pages{t: t}
	for n, v := range []string{"a", "hunter2\nb"} {
		samples := []sample{{labels: map[string]string{"v": v, "x": "hunter2\x1b[0m", "severity": "none"}, value: "1"}}
		for _, e := range p.events(noon.Add(time.Duration(n)*time.Minute), func(b *book, now time.Time) { m.turn(b, o, samples, nil, now) }) {
			text := fmt.Sprintf("%+v", e)
			if strings.Contains(text, "hunter2") || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%s", text)
			}
			if e.Is.State != "xxx b" || e.Labels["severity"] != Warning || e.Labels["x"] != "xxx [0m" {
				t.Errorf("%+v", e)
			}
		}
	}
	for _, e := range p.events(noon, func(b *book, now time.Time) { m.turn(b, o, nil, errors.New("no hunter2\nhere"), now) }) {
		if e.Reason != "no xxx here" {
			t.Errorf("%+v", e)
		}
	}
	if strings.Contains(string(p.doc), "hunter2") {
		t.Errorf("remembered: %s", p.doc)
	}
}

package alert

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a state with places that fail, and a program that dies between any two
// steps; it knows what arrived.
type world struct {
	*rapid.T
	set     Settings
	stored  []byte
	now     time.Time
	n       int
	open    map[string]time.Time // what is wrong, and since when
	quiet   time.Time            // the end of a silence of everything
	arrived map[string][]Message // by place, in order, with repeats
}

// with changes the stored state in one swap.
func (w *world) with(f func(s *State)) {
	var s State
	if err := json.Unmarshal(w.stored, &s); err != nil {
		w.Fatal(err)
	}
	f(&s)
	doc, err := json.Marshal(s)
	if err != nil {
		w.Fatal(err)
	}
	w.stored = doc
}

func (w *world) event(step string) {
	w.n++
	e := event(step, w.n, w.now)
	w.with(func(s *State) {
		s.Fold(e, w.set, w.now)
		s.Settle(w.set, w.now, false)
	})
	subject := e.Key.Name
	switch judged := Judge(e); {
	case judged.Ends:
		delete(w.open, subject)
	case judged.Opens != "":
		if _, already := w.open[subject]; !already {
			w.open[subject] = w.now
		}
	}
}

// deliver makes a try at a place: it arrives or not, and that is noted or not.
func (w *world) deliver(place string, arrives, noted bool) (tried bool) {
	var m *Message
	w.with(func(s *State) {
		if head := s.Begin(place, w.now); head != nil {
			c := *head
			m = &c
		}
	})
	if m == nil {
		return false
	}
	if w.now.Before(w.quiet) {
		w.Fatalf("sent in a silence: %+v", m)
	}
	if arrives {
		w.arrived[place] = append(w.arrived[place], *m)
	}
	if noted {
		w.with(func(s *State) {
			if arrives {
				s.Done(m.ID, w.set, w.now)
			} else {
				s.Failed(m.ID, Outcome{Reason: "no", Jitter: 0.5}, w.set, w.now)
			}
			s.Told(s.Untold)
		})
	}
	return true
}

// pass lets time pass, second by second.
func (w *world) pass(seconds int) {
	w.with(func(s *State) {
		for range seconds {
			w.now = w.now.Add(time.Second)
			s.Settle(w.set, w.now, false)
			w.check(s)
		}
	})
}

// check wants everything told to ops that has been wrong for as long as the wait, unless it
// is silenced or its machine speaks for it.
func (w *world) check(s *State) {
	if w.now.Before(w.quiet) {
		return
	}
	for name, since := range w.open {
		if w.now.Sub(since) < 2*w.set.GroupWait {
			continue
		}
		found := false
		for _, in := range s.Incidents {
			_, told := in.Told["ops"]
			found = found || in.Event.Key.Name == name && (told || in.Within != "" || !in.Due.IsZero())
		}
		if !found {
			w.Fatalf("%s has been wrong since %v and nobody was told", name, since)
		}
	}
}

// judge checks what arrived at a place: of each incident one opening, then worse ones,
// then one end; a repeat has the id of the one before it, and nothing is overtaken.
func (w *world) judge(place string) {
	last := map[string]Message{}
	for _, m := range w.arrived[place] {
		before, known := last[m.Incident]
		switch {
		case known && before.ID == m.ID:
			continue
		case known && m.Seq <= before.Seq:
			w.Fatalf("%s: %s came after %s", place, m.ID, before.ID)
		case m.What == Opened && known, m.What == Worse && !known, m.What == Ended && !known,
			known && before.What == Ended:
			w.Fatalf("%s: %s of %s after %q", place, m.What, m.Incident, before.What)
		}
		last[m.Incident] = m
	}
	for id, m := range last {
		if m.What != Ended && m.What != Noted {
			w.Fatalf("%s was told of %s (%s) and not of its end", place, id, m.Event.Key.Name)
		}
	}
}

// Whatever happens and whenever the program dies, each place is told each incident
// once, in order, and once that it is over.
func TestNothingIsLostOrDoubled(t *testing.T) {
	things := []string{"m1", "s1/1", "s2/1", "s3/2", "h1"}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{T: t, set: settings(), stored: []byte("{}"), now: noon, open: map[string]time.Time{}, arrived: map[string][]Message{}}
		t.Repeat(map[string]func(*rapid.T){
			"fails": func(t *rapid.T) {
				thing := rapid.SampledFrom(things).Draw(t, "thing")
				how := "-"
				if thing == "h1" {
					how = rapid.SampledFrom([]string{"!", "!!"}).Draw(t, "how")
				}
				w.event(thing + how)
			},
			"is well": func(t *rapid.T) { w.event(rapid.SampledFrom(things).Draw(t, "thing") + "+") },
			"is said": func(*rapid.T) { w.event("log") },
			"time": func(t *rapid.T) {
				w.pass(rapid.SampledFrom([]int{1, 3, 9, 10, 11, 40}).Draw(t, "seconds"))
			},
			"a try": func(t *rapid.T) {
				w.deliver(rapid.SampledFrom(w.set.Places).Draw(t, "place"), rapid.Bool().Draw(t, "arrives"), rapid.Bool().Draw(t, "noted"))
			},
			"a silence": func(t *rapid.T) {
				d := rapid.SampledFrom([]time.Duration{5 * time.Second, 30 * time.Second}).Draw(t, "long")
				w.with(func(s *State) {
					if _, err := s.Silence(Silence{At: w.now, Until: w.now.Add(d), Reason: "r"}); err != nil {
						t.Fatal(err)
					}
				})
				if end := w.now.Add(d); end.After(w.quiet) {
					w.quiet = end
				}
			},
			"a heartbeat from cron": func(*rapid.T) { w.with(func(s *State) { s.Settle(w.set, w.now, true) }) },
		})
		for _, thing := range things {
			w.event(thing + "+")
		}
		for range 4 {
			w.pass(40)
			for _, place := range w.set.Places {
				for w.deliver(place, true, true) {
				}
			}
		}
		for _, place := range w.set.Places {
			w.judge(place)
		}
		w.with(func(s *State) {
			if len(s.Outbox) > 0 {
				t.Fatalf("left: %+v", s.Outbox)
			}
			for _, in := range s.Incidents {
				if !in.Notice {
					t.Fatalf("left: %+v", in)
				}
			}
		})
	})
}

func TestBackoff(t *testing.T) {
	s := newStory(t)
	s.kept = true
	s.does("s1/1- 10s")
	var waits []string
	for range 6 {
		m := s.state.Begin("ops", s.now)
		if m == nil {
			t.Fatal("nothing to try")
		}
		s.state.Failed(m.ID, Outcome{Reason: "no", Jitter: 1}, s.set, s.now)
		next := s.state.Outbox[0].Next
		waits = append(waits, next.Sub(s.now).String())
		if s.state.Head("ops", next.Add(-time.Millisecond)) != nil {
			t.Error("tried before its time")
		}
		s.now = next
	}
	if got := fmt.Sprint(waits); got != "[1s 2s 4s 8s 8s 8s]" {
		t.Errorf("waits %s", got)
	}
	m := s.state.Begin("ops", s.now)
	s.state.Failed(m.ID, Outcome{Reason: "no", After: time.Minute}, s.set, s.now)
	if got := s.state.Outbox[0].Next.Sub(s.now); got != time.Minute {
		t.Errorf("asked for a minute, waits %v", got)
	}
	if len(s.state.Untold) != 1 || s.state.Untold[0].Is.State != Failing || s.state.Untold[0].Key.Name != "ops" {
		t.Errorf("told the log: %+v", s.state.Untold)
	}
	s.state.Done(m.ID, s.set, s.now)
	if n := len(s.state.Untold); n != 2 || s.state.Untold[1].Is.State != Delivering {
		t.Errorf("told the log: %+v", s.state.Untold)
	}
	s.state.Told(s.state.Untold)
	if len(s.state.Untold) != 0 {
		t.Errorf("still to be told: %+v", s.state.Untold)
	}
}

// Who was never told that something is wrong is not told that it is over.
func TestGivenUp(t *testing.T) {
	for what, c := range map[string]struct {
		refused bool
		tries   int
	}{"after a day": {false, 25}, "for being refused": {true, 5}} {
		s := newStory(t)
		s.kept = true
		s.does("s1/1- 10s s1/1+ 10s s2/2- 10s")
		for n, name := range []string{"s1", "s2"} {
			m := *s.state.Begin("ops", s.now) // a copy: what it points to moves
			tries := 0
			for ; s.state.message(m.ID) >= 0 && tries < 99; tries++ {
				s.state.Failed(m.ID, Outcome{Reason: "bad", Refused: c.refused, Jitter: 1}, s.set, s.now)
				s.now = s.now.Add(time.Hour)
			}
			// The second one has been in the outbox for as long as the first.
			if want := []int{c.tries, map[bool]int{false: 1, true: 5}[c.refused]}[n]; m.Event.Key.Name != name || tries != want {
				t.Errorf("%s: %d tries of %s, want %d of %s", what, tries, m.Event.Key.Name, want, name)
			}
		}
		if last := s.state.Untold[len(s.state.Untold)-1]; last.Is.State != GivenUp || s.state.Waiting()["ops"] != 0 || s.state.Waiting()["dba"] != 3 {
			t.Errorf("%s: %v waiting, told %+v", what, s.state.Waiting(), s.state.Untold)
		}
		s.kept = false
		s.does("s2/2+ 10s").tells("night: opened s1", "night: ended s1", "night: opened s2", "dba: opened s1", "dba: ended s1", "dba: opened s2",
			"night: ended s2", "dba: ended s2").empty()
	}
}

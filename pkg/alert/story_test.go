package alert

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// settings are those of the tests: ops gets everything, night what is critical, and dba
// what is about services.
func settings() Settings {
	return Settings{
		Manager: "m1", Places: []string{"ops", "night", "dba"},
		Routes: []Route{
			{To: []string{"ops"}},
			{To: []string{"night", "ops"}, Severities: []Severity{Critical}},
			{To: []string{"dba"}, Kinds: []string{"serv*"}},
		},
		GroupWait: 10 * time.Second, NoticeEvery: time.Minute, GiveUp: 24 * time.Hour, FirstDelay: time.Second, Longest: 8 * time.Second,
	}
}

// story is a state whose messages are delivered as soon as they are queued.
type story struct {
	t      *testing.T
	set    Settings
	state  State
	now    time.Time
	n      int
	told   []string
	kept   bool // messages stay in the outbox
	letter []Message
}

func newStory(t *testing.T) *story { return &story{t: t, set: settings(), now: noon} }

// does plays steps, with spaces between:
//
//	m1- m1+       machine m1 dies, is back
//	s1/1- s1/1+   service s1 on machine m1 is down, runs
//	h1! h1!! h1+  a host's disk is in warning, critical, well
//	log           a line of a log
//	10s           time passes, second by second
//	flush         a turn that waits for nothing
//	quiet:NAME:10s   a silence
//	loud          all silences end
func (s *story) does(steps string) *story {
	s.t.Helper()
	for _, step := range strings.Fields(steps) {
		s.step(step)
		s.stored()
	}
	return s
}

func (s *story) step(step string) {
	if d, err := time.ParseDuration(step); err == nil {
		for range int(d / time.Second) {
			s.now = s.now.Add(time.Second)
			s.settle(false)
		}
		return
	}
	switch {
	case step == "flush":
		s.settle(true)
		return
	case step == "loud":
		if _, err := s.state.Unsilence("", true); err != nil {
			s.t.Fatal(err)
		}
	case strings.HasPrefix(step, "quiet:"):
		part := strings.Split(step, ":")
		d, err := time.ParseDuration(part[2])
		if err == nil {
			_, err = s.state.Silence(Silence{Name: part[1], At: s.now, Until: s.now.Add(d), Reason: "a test"})
		}
		if err != nil {
			s.t.Fatal(err)
		}
	default:
		s.n++
		s.state.Fold(event(step, s.n, s.now), s.set, s.now)
	}
	s.settle(false)
}

// event is the one that a step of a story tells of.
func event(step string, n int, now time.Time) heartbeat.Event {
	e := heartbeat.Event{Key: heartbeat.Key{Cluster: "c"}, At: now, Manager: "m1", Labels: map[string]string{}}
	name := strings.TrimRight(step, "+-!")
	e.Key.Name, _, _ = strings.Cut(name, "/")
	on := name[len(name)-1:]
	e.IP, _ = netip.ParseAddr("10.0.0." + on)
	good := strings.HasSuffix(step, "+")
	switch step[0] {
	case 'm':
		e.Key.Kind, e.Was.State, e.Is.State = heartbeat.Instances, "running", "unreachable"
		if good {
			e.Was, e.Is = e.Is, e.Was
		}
	case 's':
		e.Key.Kind, e.Is = heartbeat.Services, heartbeat.Point{State: "down", Code: command.DatabaseCommFailure}
		if good {
			e.Is = heartbeat.Point{State: "running", Code: command.OK}
		}
	case 'h':
		e.Key.Kind, e.Is.State, e.Labels[LabelSeverity] = heartbeat.Hosts, "full", "warning"
		if strings.HasSuffix(step, "!!") {
			e.Labels[LabelSeverity] = "critical"
		}
		if good {
			e.Labels[LabelResolved] = "true"
		}
		e.IP = netip.Addr{}
	case 'l':
		e.Key.Kind, e.Is.State, e.Labels[LabelSeverity] = heartbeat.Logs, "matched", "info"
		e.IP = netip.Addr{}
	}
	return e.Occur(fmt.Sprint(n))
}

// settle settles, and delivers where messages are not kept.
func (s *story) settle(flush bool) {
	s.state.Settle(s.set, s.now, flush)
	for _, place := range s.set.Places {
		for m := s.state.Head(place, s.now); m != nil && !s.kept; m = s.state.Head(place, s.now) {
			s.letter = append(s.letter, *m)
			text := fmt.Sprintf("%s: %s %s", m.Place, m.What, Subject(m.Event).Name)
			if m.Count > 1 {
				text += fmt.Sprint(" x", m.Count)
			}
			if len(m.Members) > 0 {
				text += " with " + strings.ReplaceAll(strings.Join(m.Members, "+"), "services ", "")
			}
			s.told = append(s.told, text)
			s.state.Done(m.ID, s.set, s.now)
		}
	}
}

// stored writes and reads the state, as it is done between any two steps.
func (s *story) stored() {
	doc, err := json.Marshal(s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	s.state = State{}
	if err := json.Unmarshal(doc, &s.state); err != nil {
		s.t.Fatal(err)
	}
}

// tells checks what was told since the last time, in its order.
func (s *story) tells(want ...string) *story {
	s.t.Helper()
	if !slices.Equal(s.told, want) {
		s.t.Errorf("told\n  %s\nwant\n  %s", strings.Join(s.told, "\n  "), strings.Join(want, "\n  "))
	}
	s.told = nil
	return s
}

func (s *story) empty() {
	s.t.Helper()
	if len(s.state.Incidents) > 0 || len(s.state.Outbox) > 0 {
		s.t.Errorf("left: %+v, %+v", s.state.Incidents, s.state.Outbox)
	}
}

func TestOneTransitionOneMessage(t *testing.T) {
	s := newStory(t).does("s1/1- 9s").tells()
	s.does("1s").tells("ops: opened s1", "night: opened s1", "dba: opened s1")
	s.does("s1/1- s1/1- 60s").tells() // the same once more
	s.does("s1/1+ 9s").tells()
	s.does("1s").tells("ops: ended s1", "night: ended s1", "dba: ended s1").does("60s").tells().empty()
	ids := map[string]bool{}
	for _, m := range s.letter {
		if m.Incident != s.letter[0].Incident {
			t.Errorf("another incident: %+v", m)
		}
		ids[m.ID] = true
	}
	if len(ids) != 6 {
		t.Errorf("%d ids of 6 messages", len(ids))
	}
	s.does("s1/1- flush").tells("ops: opened s1", "night: opened s1", "dba: opened s1")
	if s.letter[6].Incident == s.letter[0].Incident {
		t.Error("a new failure is the old incident")
	}
}

func TestFlapping(t *testing.T) {
	newStory(t).does("s1/1- 3s s1/1+ 20s").tells().empty()
	// Who was told is not told again where it comes back within the wait.
	newStory(t).does("s1/1- 10s").tells("ops: opened s1", "night: opened s1", "dba: opened s1").
		does("s1/1+ 3s s1/1- 3s s1/1+ 1s s1/1- 60s").tells()
	// What never rests is told nevertheless.
	s := newStory(t)
	for range 20 {
		s.does("s1/1- 4s s1/1+ 3s")
	}
	if len(s.told) < 6 || len(s.told) > 60 {
		t.Errorf("of 20 failures in 140 s was told: %d", len(s.told))
	}
}

func TestWorse(t *testing.T) {
	newStory(t).does("h1! 10s").tells("ops: opened h1").
		does("h1!! 10s").tells("ops: worse h1", "night: opened h1").
		does("h1! 60s").tells(). // better, and not over
		does("h1+ 10s").tells("ops: ended h1", "night: ended h1").empty()
}

// A machine speaks for its services, to everybody whom they concern.
func TestMachineSpeaksForItsServices(t *testing.T) {
	newStory(t).does("s1/1- s2/1- s9/2- m1- 10s").tells(
		"ops: opened s9", "ops: opened m1 with s1+s2", "night: opened s9", "night: opened m1 with s1+s2", "dba: opened s9", "dba: opened m1 with s1+s2").
		does("s3/1- 60s").tells(). // it speaks for who comes later as well
		does("m1+ s1/1+ s2/1+ s3/1+ s9/2+ 10s").tells(
		"ops: ended s9", "ops: ended m1 with s1+s2+s3", "night: ended s9", "night: ended m1 with s1+s2+s3", "dba: ended s9", "dba: ended m1 with s1+s2+s3").empty()
}

func TestStillDownWhenItsMachineIsBack(t *testing.T) {
	newStory(t).does("m1- s1/1- s2/1- 10s").tells(
		"ops: opened m1 with s1+s2", "night: opened m1 with s1+s2", "dba: opened m1 with s1+s2").
		does("m1+ s1/1+ 10s").tells("ops: ended m1 with s1+s2", "night: ended m1 with s1+s2", "dba: ended m1 with s1+s2").
		does("9s").tells().does("1s").tells("ops: opened s2", "night: opened s2", "dba: opened s2").
		does("s2/1+ flush").tells("ops: ended s2", "night: ended s2", "dba: ended s2").empty()
	// What was told before the machine died is ended by itself.
	newStory(t).does("s1/1- 10s").tells("ops: opened s1", "night: opened s1", "dba: opened s1").
		does("m1- 10s").tells("ops: opened m1", "night: opened m1").
		does("m1+ s1/1+ 10s").tells("ops: ended s1", "ops: ended m1", "night: ended s1", "night: ended m1", "dba: ended s1").empty()
}

// Twenty services and their machine are one message a place.
func TestDeadMachine(t *testing.T) {
	s := newStory(t)
	for n := range 20 {
		s.does(fmt.Sprintf("s%d/7-", n+100))
	}
	s.does("m7- flush")
	if len(s.told) != 3 || !strings.HasPrefix(s.told[0], "ops: opened m7 with s100+") || strings.Count(s.told[0], "+") != 19 {
		t.Errorf("told %q", s.told)
	}
}

func TestSilence(t *testing.T) {
	// What ends within it is never told.
	newStory(t).does("quiet:s*:1h s1/1- 60s s1/1+ 60s h1! 10s").tells("ops: opened h1").
		does("3600s").tells()
	// What outlives it is told at its end.
	s := newStory(t).does("quiet:s1:60s s1/1- 59s").tells().does("1s").tells("ops: opened s1", "night: opened s1", "dba: opened s1")
	// So is the end of what was told before.
	s.does("quiet:s1:60s s1/1+ 59s").tells().does("1s").tells("ops: ended s1", "night: ended s1", "dba: ended s1").empty()
	// What came back meanwhile is as if nothing had been.
	newStory(t).does("s1/1- 10s").tells("ops: opened s1", "night: opened s1", "dba: opened s1").
		does("quiet:s1:60s s1/1+ 20s s1/1- 60s").tells()
	newStory(t).does("quiet:*:1h s1/1- 60s").tells().does("loud").tells("ops: opened s1", "night: opened s1", "dba: opened s1")
	newStory(t).does("quiet:*:1h log 60s").tells().empty()
}

// What was queued before the silence and never tried is taken back where it ends; what
// may have arrived is ended.
func TestSilenceOfWhatIsQueued(t *testing.T) {
	s := newStory(t)
	s.kept = true
	s.does("s1/1- 10s")
	if len(s.state.Outbox) != 3 {
		t.Fatalf("queued: %+v", s.state.Outbox)
	}
	if m := s.state.Begin("dba", s.now); m == nil || !m.Begun {
		t.Fatalf("begun: %+v", m)
	}
	s.does("quiet:s1:60s")
	if m := s.state.Head("ops", s.now); m != nil {
		t.Errorf("to be sent in a silence: %+v", m)
	}
	s.kept = false
	s.does("s1/1+ 59s").tells().does("1s").tells("dba: opened s1", "dba: ended s1").empty()
}

func TestNotices(t *testing.T) {
	newStory(t).does("log log log 10s").tells("ops: noted log x3").
		does("log 5s log 44s").tells().does("1s").tells().does("10s").tells("ops: noted log x2").
		does("120s").tells().does("log 10s").tells("ops: noted log").does("60s").empty()
	// One that is told late would only confuse.
	s := newStory(t)
	s.state.Fold(event("log", 1, s.now.Add(-25*time.Hour)), s.set, s.now)
	s.does("60s").tells().empty()
}

// A place that is taken out of the configuration gets nothing, and keeps nothing back.
func TestPlaceIsTakenOut(t *testing.T) {
	s := newStory(t)
	s.kept = true
	s.does("s1/1- 10s")
	s.set.Places, s.kept = []string{"dba"}, false
	s.does("1s").tells("dba: opened s1").does("s1/1+ 10s").tells("dba: ended s1").empty()
}

func TestNext(t *testing.T) {
	s := newStory(t)
	want := func(after time.Duration) {
		t.Helper()
		if got := s.state.Next(s.now); !got.Equal(s.now.Add(after)) {
			t.Errorf("next is %v, want %v after now", got, after)
		}
	}
	if got := s.state.Next(s.now); !got.IsZero() {
		t.Errorf("next is %v where nothing is to come", got)
	}
	s.does("s1/1- 3s")
	want(7 * time.Second)
	s.does("quiet:s1:5s")
	want(5 * time.Second)
}

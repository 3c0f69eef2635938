package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The seed's sample is read and written again as it was.
func TestSeedDocument(t *testing.T) {
	sample, err := os.ReadFile("../../testdata/seed/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	drafts, bad, err := ReadDrafts(sample)
	if err != nil || len(bad) > 0 || len(drafts) != 2 {
		t.Fatal(err, bad, drafts)
	}
	if d := drafts[0]; d.When.String() != "instances:10.0.0.102:running" || d.Do.Action != "bootstrap_ncc" || d.Do.Group != "node10" || d.Do.Level != "services" {
		t.Errorf("%+v", d)
	}
	compactly, err := json.Marshal(Document{Actions: drafts})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compactly, "", "  "); err != nil {
		t.Fatal(err)
	}
	if out.String()+"\n" != string(sample) {
		t.Errorf("written as\n%s", out.String())
	}
	r := Request{Writer: "w", Drafts: drafts, InOrder: true, Now: t0, Limits: Usual(), Words: UsualWords()}
	for n := range r.Drafts {
		r.Drafts[n].Cluster = "prod"
	}
	q := &Queue{}
	if added, bad := q.Add(r); len(added) != 2 || len(bad) > 0 {
		t.Fatal(added, bad)
	}
	if got := told(q.Due(input(t, "m102=running node10@m102=ER0003"))); got != "a=due b=after" {
		t.Error(got)
	}
}

// A bad entry is named; the good ones around it are read.
func TestBadEntries(t *testing.T) {
	const good = `{"do_action":"start","do_group":"node1","do_level":"services","event_ip":"10.0.0.1","event_type":"instances","event_state":"running"}`
	for entry, want := range map[string]string{
		`{"do_action":"start","do_group":"node1"}`:                                                   "do_level, do_action and do_group must all be given",
		`{"do_action":"start","do_group":"node1","do_level":"services","event_ip":"10.0.0"}`:         `event_ip "10.0.0" is not an ip`,
		`{"do_action":"start","do_group":"node1","do_level":"services","evnt_ip":"10.0.0.1"}`:        `unknown field "evnt_ip"`,
		`{"do_action":"start","do_group":"node1","do_level":"services","after":["x"]}`:               `cannot read action id "x"`,
		`{"do_action":"start","do_group":"node1","do_level":"services","progress":{"done":true}}`:    `unknown field "progress"`,
		`{"do_action":"start","do_group":"node1","do_level":"services","not_before":"next tuesday"}`: "parsing time",
		`7`:    "it is of type number",
		`null`: "must all be given",
	} {
		drafts, bad, err := ReadDrafts([]byte(`{"actions":[` + good + `,` + entry + `,` + good + `]}`))
		if err != nil || len(drafts) != 3 || drafts[0].Do.Group != "node1" || drafts[2].Do.Group != "node1" {
			t.Fatal(entry, err, drafts)
		}
		if len(bad) != 1 || bad[0].Entry != 2 || !strings.Contains(bad[0].Error(), want) {
			t.Errorf("%s: %v", entry, bad)
		}
	}
	for _, doc := range []string{``, `[]`, `{}`, `{"actions":7}`, `{"actions":[]}{`, `{"actions":[],"more":1}`} {
		if _, _, err := ReadDrafts([]byte(doc)); err == nil {
			t.Errorf("read %s", doc)
		}
	}
}

// whole returns a queue with something in every field.
func whole(t *testing.T) *Queue {
	t.Helper()
	q := scene(t, `
		start node1 when m1 running plan=p bound=i-1 not_before=1m | claim:x fail:x claim:y beat:y
		start node2 when-service m1 running plan=p after=a
		stop m1 | claim:x give-up:x retry claim:x finish:x
		start node3 | claim:x cancel`)
	a, _ := q.Get(ID{"w", 1})
	a.Require = map[string]string{"invocation": "f00", "primary": "node1"}
	a.AskedBy = Asker{Who: "ann", Where: "ops1, cli", Command: "clmgr services start node1"}
	a.Progress.Failure.NotBefore, a.Progress.Failure.Delay = t0.Add(time.Minute), 90*time.Second
	q.put(a)
	for _, h := range []Hold{
		{Cluster: "prod", Group: "node1", Reason: "work", By: Asker{Who: "ann"}, At: t0, Until: t0.Add(time.Hour)},
		{Group: "all", Reason: "move", At: t0},
	} {
		if _, err := q.Hold("w", h); err != nil {
			t.Fatal(err)
		}
	}
	q.Release("", "all", t0.Add(time.Minute))
	q.note(ID{"gone", 12})
	q.Confirm("w", q)
	return q
}

func TestStoredQueue(t *testing.T) {
	q := whole(t)
	text, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(text)
	if err != nil || len(back.Unread()) > 0 {
		t.Fatal(err, back.Unread())
	}
	if !reflect.DeepEqual(q.actions, back.actions) || !reflect.DeepEqual(q.holds, back.holds) || !reflect.DeepEqual(q.marks, back.marks) || !reflect.DeepEqual(q.held, back.held) {
		t.Errorf("%+v\n%+v", q, back)
	}
	if empty, err := Decode(nil); err != nil || empty.Len() != 0 {
		t.Error(err)
	}
}

func TestStoredQueueNobodyMayWriteOver(t *testing.T) {
	for doc, newer := range map[string]bool{
		`{"version":2,"actions":"in a new shape"}`:      true,
		`{"version":1,"marks":{},"actions":[],"new":1}`: false,
		`{}`: false, `{"version":0}`: false, `garbage`: false, ``: false, `[]`: false, `{"version":1,"marks":{"no good":1},"actions":[]}`: false,
	} {
		if _, err := Decode([]byte(doc)); err == nil || errors.Is(err, ErrNewer) != newer {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// An entry that cannot be read survives reading, merging and writing, holds up
// its plan, and nothing else.
func TestUnreadEntries(t *testing.T) {
	q := scene(t, "start node1 plan=p\nstart node2 plan=p\nstart node3\nstart node4 plan=q")
	text, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"do_group":"node1"`), []byte(`"do_group":{"name":"node1"}`), 1)
	broken, err := Decode(text)
	if err != nil || len(broken.Unread()) != 1 || broken.Len() != 3 {
		t.Fatal(err, broken.Unread())
	}
	if u := broken.Unread()[0]; u.ID != (ID{"w", 1}) || u.Plan != "p" || !strings.HasPrefix(u.Why, "cannot read action: do_group is of type object") {
		t.Errorf("%+v", u)
	}
	if got := told(broken.Due(input(t, ""))); got != "c=due d=due b=after" {
		t.Error(got)
	}
	again, err := broken.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(again)
	if err != nil || !reflect.DeepEqual(back.Unread(), broken.Unread()) {
		t.Errorf("%v\n%+v\n%+v", err, back.Unread(), broken.Unread())
	}
	if merged := Merge(back, broken); !reflect.DeepEqual(merged.Unread(), broken.Unread()) || merged.Len() != 3 {
		t.Errorf("%+v", merged.Unread())
	}
}

func TestIDs(t *testing.T) {
	for _, s := range []string{"w.1", "ops1.example.com-9f.18446744073709551615", "#3"} {
		id, err := ParseID(s)
		if err != nil || id.String() != s {
			t.Errorf("%s: %v %v", s, id, err)
		}
	}
	for _, s := range []string{"", "w", "w.", "w.0", ".1", "w.-1", "w.01", "w.+1", "a b.1", "-w.1", "#", "#0", "w.18446744073709551616", strings.Repeat("w", 101) + ".1"} {
		if id, err := ParseID(s); err == nil {
			t.Errorf("read %q as %v", s, id)
		}
	}
}

// What was read is written so that it reads the same again, and nothing makes
// the reader or Due fall over.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"marks":{"w":3},"actions":[{"do_action":"start","do_group":"n","do_level":"services","id":"w.1","asked_by":{},"created":"2026-11-21T09:00:00Z","progress":{"epoch":1}}],"holds":[{}],"unread":[{"raw":{"id":"w.2"},"why":"x"}]}`))
	f.Add([]byte(`{"version":1,"marks":{},"actions":[7,null,{"id":7}],"unread":[{"raw":null,"why":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := Decode(text)
		if err != nil {
			return
		}
		first, err := q.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		second, err := back.Encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%v\n%s\n%s", err, first, second)
		}
		back.Due(Input{Now: t0, Words: UsualWords(), Limits: Usual()})
		if m := Merge(q, back); m.Len() != q.Len() {
			t.Fatal("merging with itself changes a queue")
		}
	})
}

// Whatever a pipe brings is answered, entry by entry.
func FuzzReadDrafts(f *testing.F) {
	f.Add([]byte(`{"actions":[{"do_action":"start","do_group":"n","do_level":"services","after":["#2"]},{"do_action":"start","do_group":"n","do_level":"services","after":["#1"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		drafts, unread, err := ReadDrafts(text)
		if err != nil {
			return
		}
		for n := range drafts {
			drafts[n].Cluster = "prod"
		}
		q := &Queue{}
		added, bad := q.Add(Request{Writer: "w", Drafts: drafts, InOrder: true, Now: t0, Limits: Usual(), Words: UsualWords()})
		if len(added)+len(bad) != len(drafts) || len(bad) < len(unread) {
			t.Fatalf("%d drafts, %d added, %d bad, %d unread", len(drafts), len(added), len(bad), len(unread))
		}
	})
}

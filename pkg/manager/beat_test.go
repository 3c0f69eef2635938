package manager

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var beatTime = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// workedQueue holds one action of each state but cancelled, and one hold.
func workedQueue(t *testing.T) *actions.Queue {
	t.Helper()
	q := &actions.Queue{}
	var drafts []actions.Action
	for _, group := range []string{"node10", "node11", "node12", "node13"} {
		drafts = append(drafts, actions.Action{Cluster: "prod", Do: command.Command{Level: "services", Action: "start", Group: group}})
	}
	added, bad := q.Add(actions.Request{Writer: "w", Drafts: drafts, Now: beatTime, Limits: actions.Usual(), Words: actions.UsualWords()})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	for n, move := range []func(p actions.Progress) (actions.Progress, error){
		func(p actions.Progress) (actions.Progress, error) { return p.Finish(p.Claim(), beatTime) },
		func(p actions.Progress) (actions.Progress, error) {
			return p.Fail(p.Claim(), actions.Failure{Err: "no", Final: true, Times: 1})
		},
		func(p actions.Progress) (actions.Progress, error) { return p, nil },
	} {
		err := q.Change(added[n].ID, func(a actions.Action) (actions.Progress, error) {
			p, err := a.Progress.Take("mgr/1-a", 30*time.Second, beatTime)
			if err != nil {
				return p, err
			}
			return move(p)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.Hold("w", actions.Hold{Group: "node13", Reason: "disk", By: actions.Asker{Who: "ann"}, At: beatTime, Until: beatTime.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return q
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A heartbeat's document is the status document, and what was done, what is held and
// what stands in the queue beside it.
func TestBeatDocument(t *testing.T) {
	quiet := Beat{Document: heartbeat.Document{Status: heartbeat.Status{At: beatTime, Manager: "mgr"}}}
	quiet.stand(ledger.View{})
	quiet.stand(ledger.View{Queue: &actions.Queue{}, Now: beatTime})
	if got, want := encoded(t, quiet), encoded(t, quiet.Document); got != want {
		t.Errorf("with nothing to tell:\n%s\n%s", got, want)
	}

	q := workedQueue(t)
	b := quiet
	b.stand(ledger.View{Queue: q, Now: beatTime})
	for n, a := range q.All()[:2] {
		b.Acted = append(b.Acted, runner.Told{
			Action: a, Move: []actions.Move{actions.MoveFinish, actions.MoveGiveUp}[n], Reason: a.Progress.Failure.Err, Took: 1234 * time.Millisecond,
		})
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(encoded(t, b)), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"acted": `[{"do":"services:start:node10","id":"w.1","move":"finish","seconds":1.23,"state":"done"},` +
			`{"do":"services:start:node11","id":"w.2","move":"give-up","reason":"no","seconds":1.23,"state":"failed"}]`,
		"holds":   `[{"at":"2026-11-21T09:00:00Z","by":{"who":"ann"},"group":"node13","id":"w.5","reason":"disk","until":"2026-11-21T10:00:00Z"}]`,
		"queue":   `{"failed":1,"running":1,"waiting":1}`,
		"manager": `"mgr"`,
	} {
		if string(got[key]) != want {
			t.Errorf("%s is %s", key, got[key])
		}
	}
	validBeat(t, command.Result{
		Command: command.Command{Level: "instances", Action: "heartbeat", NoAct: true}.Normal(), Code: command.SomethingIsNotRunning, Body: b,
	})
}

// validBeat checks an answer against the status schema, closed, so that a field that
// is left out of it is found.
func validBeat(t *testing.T, r command.Result) {
	t.Helper()
	text, err := heartbeat.StatusSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	shut(doc)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("status.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("status.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
	answer := encoded(t, r)
	if err := valid(answer); err != nil {
		t.Errorf("%v\n%s", err, answer)
	}
	for _, key := range []string{`"acted"`, `"move"`, `"until"`, `"waiting"`, `"no_act"`} {
		if other := bytes.Replace([]byte(answer), []byte(key), []byte(`"other"`), 1); valid(string(other)) == nil {
			t.Errorf("takes another key for %s", key)
		}
	}
}

func shut(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, ok := n["properties"]; ok {
			n["additionalProperties"] = false
		}
		for _, v := range n {
			shut(v)
		}
	case []any:
		for _, v := range n {
			shut(v)
		}
	}
}

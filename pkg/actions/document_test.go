package actions

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/schematest"
	"github.com/clmgr/clmgr/pkg/command"
)

// toldDocument is what is known of a queue with something in every field.
func toldDocument(t *testing.T) Document {
	t.Helper()
	q := whole(t)
	late := actionIn(t, q, "start node4 | claim:x fail:x")
	late.Progress.Failure.NotBefore, late.Progress.Failure.Delay = t0.Add(time.Minute), 90*time.Second
	q.put(late)
	q.put(actionIn(t, q, "stop node5 when m1 running"))
	d := Document{Actions: q.All(), Verdicts: map[ID]Verdict{}, Holders: map[ID][]string{}}
	in := input(t, "m1/i-1=running")
	in.Now = t0.Add(30 * time.Second)
	for _, v := range q.Due(in).Verdicts {
		d.Verdicts[v.ID] = v
	}
	for _, a := range d.Actions {
		d.Holders[a.ID] = q.Holders(a.ID)
	}
	return d
}

func indented(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func golden(t *testing.T, file string, v any) {
	t.Helper()
	want, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if got := indented(t, v) + "\n"; got != string(want) {
		t.Errorf("%s is written as\n%s", file, got)
	}
}

// The shapes of the documents hold: fields may be added.
func TestDocuments(t *testing.T) {
	golden(t, "actions.json", toldDocument(t))
	golden(t, "holds.json", HoldList{whole(t).Holds(t0.Add(time.Minute))})
	golden(t, "none.json", []any{Document{}, HoldList{}})
}

func schemaOf(t *testing.T) func(text string) error {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	return schematest.Valid(t, text)
}

// The schema is closed: a field that a document gets and the schema does not is
// found here.
func TestDocumentSchema(t *testing.T) {
	valid := schemaOf(t)
	seed, err := os.ReadFile("../../testdata/seed/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	answer := indented(t, command.Result{
		Command: command.Command{Level: "actions", Action: "list", State: "failed"}.Normal(), Code: command.StoreFailure, Reason: "x", Body: toldDocument(t),
	})
	for _, text := range []string{string(seed), answer, indented(t, toldDocument(t)), indented(t, Document{})} {
		if err := valid(text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	for was, is := range map[string]string{
		`"do_group"`: `"do_grup"`, `"created"`: `"made"`, `"state": "waiting"`: `"state": "asleep"`, `"try": 1`: `"try": -1`,
		`"id": "w.1"`: `"id": "w"`, `"code": "ER0104"`: `"code": 104`, `"owner"`: `"held_by"`,
	} {
		if spoilt := strings.Replace(answer, was, is, 1); spoilt == answer || valid(spoilt) == nil {
			t.Errorf("takes %s for %s", is, was)
		}
	}
}

// A draft that the schema takes is read, and one that it refuses is not.
func TestDraftSchema(t *testing.T) {
	valid := schemaOf(t)
	for draft, good := range map[string]bool{
		`{"do_action":"start","do_group":"n","do_level":"services"}`:                                                                      true,
		`{"do_action":"start","do_group":"n","do_level":"services","after":["#1","w.3"],"plan":"p","require":{"k":"v"}}`:                  true,
		`{"do_action":"start","do_group":"n","do_level":"services","not_before":"2026-11-21T09:00:00Z","expires":"2026-11-22T09:00:00Z"}`: true,
		`{"do_action":"start","do_group":"n","do_level":"services","not_before":"soon"}`:                                                  false,
		`{"do_action":"start","do_group":"n","do_level":"services","after":["n"]}`:                                                        false,
		`{"do_action":"start","do_group":"n","do_level":"services","state":"waiting"}`:                                                    false,
		`{"do_action":"start","do_group":7,"do_level":"services"}`:                                                                        false,
		`{"do_action":"start","do_level":"services"}`:                                                                                     false,
	} {
		text := `{"actions":[` + draft + `]}`
		_, bad, err := ReadDrafts([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if verr := valid(text); (verr == nil) != good || (len(bad) == 0) != good {
			t.Errorf("%s: schema says %v, reader says %v", draft, verr, bad)
		}
	}
}

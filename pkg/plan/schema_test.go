package plan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/schematest"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// The schema is closed: a field that a plan gets and the schema does not is found here.
func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	valid := schematest.Valid(t, text)
	asked := command.Command{Level: "services", Action: "start", Group: "db1", DryRun: true}.Normal()
	steps := Wish{
		Verb: "start", Service: heartbeat.Service{Name: "db1", Code: command.DatabaseCommFailure},
		Machine: heartbeat.Instance{Name: "m1", State: heartbeat.Running},
		Before:  []Known{{Verb: "bootstrap_binaries", Done: true}, {Verb: "install", Reason: "no data directory"}},
	}.Steps()
	encode := func(r command.Result) string {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	full := encode(command.Result{Command: asked, Code: command.OK, Body: Document{[]Plan{{
		Cluster: "c", Service: "db1", Steps: steps.All, Code: steps.Code, Reason: "x", Changes: []string{"y"},
	}}}})
	for _, text := range []string{full, encode(command.Result{Command: asked, Code: command.OK, Body: Document{}}), encode(command.Fail(asked, command.NothingMatches, errors.New("x")))} {
		if err := valid(text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	for was, is := range map[string]string{
		`"state":"due"`: `"state":"soon"`, `"do":"services:install:db1"`: `"do":"install"`, `"changes"`: `"change"`, `"dry_run":true`: `"dry_run":false`, `"service"`: `"of"`,
	} {
		if spoilt := strings.Replace(full, was, is, 1); spoilt == full || valid(spoilt) == nil {
			t.Errorf("with %s for %s the schema takes it:\n%s", is, was, spoilt)
		}
	}
}

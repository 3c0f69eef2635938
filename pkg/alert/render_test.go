package alert

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func message() Message {
	e := heartbeat.Event{
		Key: heartbeat.Key{Cluster: "prod", Kind: heartbeat.Services, Name: "node10"}, IP: netip.MustParseAddr("10.0.0.1"),
		Was: heartbeat.Point{State: "running", Code: command.OK, Role: "master"},
		Is:  heartbeat.Point{State: "Database communication failure", Code: command.DatabaseCommFailure, Role: "master"},
		At:  noon, Manager: "m1", Reason: "connection refused", Labels: map[string]string{"team": "db"},
	}
	return Message{ID: "id1", Incident: "in1", Place: "ops", What: Opened, Severity: Critical, Event: e, Since: noon, At: noon}
}

func TestStandardText(t *testing.T) {
	set := settings()
	title, text := set.Render(message())
	if want := "[critical] prod services node10: running → Database communication failure"; title != want {
		t.Errorf("the title is %q", title)
	}
	want := `services node10 (10.0.0.1) of prod: running → Database communication failure, master
connection refused
team: db
at 2026-11-21 12:00:00 UTC, seen by m1
incident in1, message id1
`
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
	m := message()
	m.What, m.Members, m.Count = Ended, []string{"services a", "services b"}, 3
	title, text = set.Render(m)
	if !strings.HasPrefix(title, "[resolved] prod") || !strings.Contains(text, "\nwith it: services a, services b\n") ||
		!strings.Contains(text, "\n3 times\n") || !strings.Contains(text, ", since 2026-11-21 12:00:00 UTC, seen") {
		t.Errorf("title %q, text:\n%s", title, text)
	}
	if title, text = set.Render(Test("ops", "m1", noon)); title != "[test] managers m1: this is a test" || !strings.Contains(text, "clmgr alerts test") {
		t.Errorf("title %q, text:\n%s", title, text)
	}
}

func TestOwnText(t *testing.T) {
	set := settings()
	set.Routes = []Route{
		{To: []string{"dba"}, Text: "not for this place"},
		{To: []string{"ops"}, Kinds: []string{"hosts"}, Text: "not for this kind"},
		{To: []string{"ops"}, Title: "{{.Severity}}\n\tBcc: x {{.Name}}", Text: "{{.Reason}} {{.Labels.team}} {{.Labels.none}}|{{index .With 0}}"},
	}
	m := message()
	m.Members = []string{"a"}
	title, text := set.Render(m)
	if title != "critical Bcc: x node10" || text != "connection refused db |a" {
		t.Errorf("title %q, text %q", title, text)
	}
	// One that cannot be used with this message loses nothing of it.
	title, text = set.Render(message())
	if title != "critical Bcc: x node10" || !strings.HasPrefix(text, "services node10 (10.0.0.1)") || !strings.Contains(text, "cannot use template") {
		t.Errorf("title %q, text %q", title, text)
	}
}

func TestCheckTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"{{.Name}} {{range .With}}{{.}}{{end}} {{.Labels.team}} {{.Since.Unix}}": "",
		"{{.Name":      "cannot read template",
		"{{.Nothing}}": "can't evaluate field Nothing",
		"{{range $i := .Labels}}{{end}}{{call .Name}}":                              "cannot use template",
		`{{define "x"}}xxxxxxxxxxxxxxxx{{template "x" .}}{{end}}{{template "x" .}}`: "it writes more than",
	} {
		err := CheckTemplate(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestTitleIsOneShortLine(t *testing.T) {
	got := oneLine(strings.Repeat("é\r\n", 300))
	if strings.ContainsAny(got, "\r\n") || len([]rune(got)) != 200 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d characters: %q", len([]rune(got)), got)
	}
}

// Programs find what they need by name.
func TestDocument(t *testing.T) {
	doc, err := message().Document("a title", "a text")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	event, _ := got["event"].(map[string]any)
	delete(got, "event")
	want := map[string]any{
		"id": "id1", "incident": "in1", "what": "opened", "severity": "critical", "title": "a title", "text": "a text",
		"since": noon.Format(time.RFC3339),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if event["name"] != "node10" || event["cluster"] != "prod" || event["code"] != "ER0003" || event["ip"] != "10.0.0.1" {
		t.Errorf("the event is %v", event)
	}
}

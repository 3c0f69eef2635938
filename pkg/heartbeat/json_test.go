package heartbeat

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func generic(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// The seed's status sample, read into the model and written again, is the same
// document: every key, odd values included, and none added.
func TestSeedStatus(t *testing.T) {
	sample, err := os.ReadFile("../../testdata/seed/status.json")
	if err != nil {
		t.Fatal(err)
	}
	var d Document
	if err := json.Unmarshal(sample, &d); err != nil {
		t.Fatal(err)
	}
	if n := len(d.Services); n != 12 {
		t.Errorf("%d services, want 12", n)
	}
	if got := d.Services[11].State; got != "On" {
		t.Errorf("lb4 is %q, want the odd On", got)
	}
	if d.Instances[0].IP.IsValid() {
		t.Errorf("i-830dcde4 has ip %v, want none", d.Instances[0].IP)
	}
	again, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(generic(t, sample), generic(t, again)); diff != "" {
		t.Error(diff)
	}
}

// The seed's events (mended) come back with the same keys; the number among
// the codes has become a string.
func TestSeedEvents(t *testing.T) {
	sample, err := os.ReadFile("../../testdata/seed/events.json")
	if err != nil {
		t.Fatal(err)
	}
	var list EventList
	if err := json.Unmarshal(sample, &list); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(sample), `"previous_code": 0`, `"previous_code": "0"`)
	if diff := cmp.Diff(generic(t, []byte(want)), generic(t, again)); diff != "" {
		t.Error(diff)
	}
}

func TestCodesOnInput(t *testing.T) {
	for in, want := range map[string]string{`0`: "0", `"0"`: "0", `"000000"`: "000000", `"ER0003"`: "ER0003"} {
		var e Event
		if err := json.Unmarshal([]byte(`{"type":"instances","name":"i","code":`+in+`}`), &e); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := generic(t, b).(map[string]any)["code"]; got != want {
			t.Errorf("code %s came back as %v, want %s", in, got, want)
		}
	}
	var e Event
	if err := json.Unmarshal([]byte(`{"code":true}`), &e); err == nil {
		t.Error("a boolean was taken for a code")
	}
}

func TestBadDocuments(t *testing.T) {
	for _, in := range []string{
		`{"time":"yesterday"}`, `{"instances_status":{"instances":[{"a":{"ip":"10.0.0"}}]}}`, `{"services_status":[]}`, `[`,
	} {
		var d Document
		if err := json.Unmarshal([]byte(in), &d); err == nil {
			t.Errorf("%s was read", in)
		}
	}
}

func FuzzDocument(f *testing.F) {
	for _, name := range []string{"status", "events"} {
		b, err := os.ReadFile("../../testdata/seed/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d Document
		if json.Unmarshal(in, &d) == nil {
			b, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			var again Document
			if err := json.Unmarshal(b, &again); err != nil {
				t.Fatalf("our own document is not read: %v\n%s", err, b)
			}
		}
		_, _ = DecodeRecord(in)
		var list EventList
		_ = json.Unmarshal(in, &list)
	})
}

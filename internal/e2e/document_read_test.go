package e2e_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document is an answer as a script would read it.
type document struct {
	Code       string  `json:"code"`
	Reason     string  `json:"reason"`
	Manager    string  `json:"manager"`
	Conditions []entry `json:"conditions"`
	Events     []event `json:"events"`
	Position   struct {
		Line, Column int
	} `json:"position"`
	Instances struct {
		List []map[string]entry `json:"instances"`
	} `json:"instances_status"`
	Services struct {
		List []map[string]entry `json:"services"`
	} `json:"services_status"`
}

// entry is one instance, service or condition.
type entry struct {
	Cluster  string `json:"cluster"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	State    string `json:"state"`
	Code     string `json:"code"`
	SSH      string `json:"ssh"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Time     string `json:"time"`
	Stale    bool   `json:"stale"`
	Writable bool   `json:"writable"`
	VIP      string `json:"vip"`
	HoldsVIP *bool  `json:"holds_vip"`
}

type event struct {
	ID             string `json:"id"`
	Cluster        string `json:"cluster"`
	Type           string `json:"type"`
	Name           string `json:"name"`
	Manager        string `json:"manager"`
	PreviousState  string `json:"previous_state"`
	State          string `json:"state"`
	PreviousCode   string `json:"previous_code"`
	Code           string `json:"code"`
	PreviousStatus string `json:"previous_status"`
	Status         string `json:"status"`
	Reason         string `json:"reason"`
}

// about is what the event is about.
func (e event) about() string { return e.Cluster + "/" + e.Type + "/" + e.Name }

// String is the event in one line, with the roles where they differ.
func (e event) String() string {
	roles := ""
	if e.PreviousStatus != e.Status && e.PreviousStatus != "" && e.Status != "" {
		roles = ", " + e.PreviousStatus + " → " + e.Status
	}
	return fmt.Sprintf("%s: %s → %s%s", e.about(), e.PreviousState, e.State, roles)
}

func parse(t *testing.T, text string) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// entries returns all instances, services and conditions by cluster, kind and name.
func (d document) entries() map[string]entry {
	all := map[string]entry{}
	add := func(kind string, list []map[string]entry) {
		for _, one := range list {
			for name, e := range one {
				all[e.Cluster+"/"+kind+"/"+name] = e
			}
		}
	}
	add("instances", d.Instances.List)
	add("services", d.Services.List)
	for _, c := range d.Conditions {
		all[c.Cluster+"/"+c.Type+"/"+c.Name] = c
	}
	return all
}

// instance and service return an entry of the cluster demo, which must be there.
func (d document) instance(t *testing.T, name string) entry {
	t.Helper()
	return d.entry(t, "demo/instances/"+name)
}

func (d document) service(t *testing.T, name string) entry {
	t.Helper()
	return d.entry(t, "demo/services/"+name)
}

func (d document) entry(t *testing.T, name string) entry {
	t.Helper()
	e, ok := d.entries()[name]
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return e
}

// wantEvents checks that exactly these events were told, in any order, each with
// an id of its own.
func wantEvents(t *testing.T, got []event, want ...string) {
	t.Helper()
	lines, ids := []string{}, map[string]bool{}
	for _, e := range got {
		lines = append(lines, e.String())
		if e.ID == "" || ids[e.ID] {
			t.Errorf("id %q of %s is none or not its own", e.ID, e)
		}
		ids[e.ID] = true
	}
	slices.Sort(lines)
	slices.Sort(want)
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(lines, "\n")); diff != "" {
		t.Errorf("the events are not those wanted (-want +got):\n%s", diff)
	}
}

// timeless blanks the times in a document: nothing else may differ between two
// looks at what has not changed.
func timeless(text string) string {
	return regexp.MustCompile(`"time": ?"[^"]*"`).ReplaceAllString(text, `"time":""`)
}

// gist is what of an answer explains a failed test: what does not run, and the events.
func gist(text string) string {
	var d document
	if json.Unmarshal([]byte(text), &d) != nil {
		return text
	}
	lines := []string{d.Code + " " + d.Reason}
	for name, e := range d.entries() {
		if e.State != "running" || e.Stale || e.Writable {
			lines = append(lines, fmt.Sprintf("%s: %+v", name, e))
		}
	}
	slices.Sort(lines[1:])
	for _, e := range d.Events {
		lines = append(lines, "event "+e.String())
	}
	return strings.Join(lines, "\n")
}

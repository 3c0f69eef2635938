package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validator returns a function that checks text against a schema that clmgr prints.
func validator(t *testing.T, name string) func(text string) error {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(clmgr(t, "", "schema", name).want(t, 0).stdout))
	must(t, err)
	c := jsonschema.NewCompiler()
	must(t, c.AddResource("schema.json", schema))
	compiled, err := c.Compile("schema.json")
	must(t, err)
	return func(text string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return err
		}
		return compiled.Validate(value)
	}
}

func documentShape(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	status, events := validator(t, "status"), validator(t, "events")
	for _, args := range [][]string{
		{"instances", "heartbeat"},
		{"instances", "heartbeat", "--facts"},
		{"instances", "heartbeat", "node10"},
		{"instances", "heartbeat", "--last"},
		{"instances", "status", "all", "db"},
		{"services", "status"},
	} {
		if err := status(m.run(args...).want(t, 0).stdout); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	m.run("instances", "heartbeat", "--facts").want(t, 0)
	for args, want := range map[string]bool{"--last": false, "--last --facts": true} {
		a := m.run(append([]string{"instances", "heartbeat"}, strings.Fields(args)...)...).want(t, 0)
		if has := strings.Contains(a.stdout, `"facts"`); has != want {
			t.Errorf("facts with %s: %v", args, has)
		}
	}
	s.stopMemcached(t, "m4")
	told := m.run("instances", "heartbeat").want(t, 3).stdout
	if err := status(told); err != nil {
		t.Errorf("with events: %v", err)
	}
	list := m.run("events", "list").want(t, 0).stdout
	if err := events(list); err != nil {
		t.Errorf("events list: %v", err)
	}
	s.startMemcached(t, "m4")
	if status(strings.Replace(told, `"state": "running"`, `"states": "running"`, 1)) == nil ||
		events(strings.Replace(list, `"previous_state"`, `"was"`, 1)) == nil {
		t.Error("the schemas take documents with a key missing")
	}
	seedKeys(t, told)
}

// seedKeys checks that every key of the 2012 documents is where it was. The two of
// them that belong to other drivers than LOCAL are not there.
func seedKeys(t *testing.T, text string) {
	t.Helper()
	var d map[string]any
	must(t, json.Unmarshal([]byte(text), &d))
	for path, keys := range map[string]string{
		"":                                     "command events host instances_status level services_status",
		"command":                              "action group type",
		"host":                                 "interfaces ram",
		"host.interfaces.0.lo":                 "IP STATE",
		"instances_status.instances.0.m1":      "id ip state",
		"instances_status.return.cloud":        "driver",
		"instances_status.return.command":      "action group type",
		"services_status.services.0.node10":    "code ip mode name state status time",
		"services_status.services.7.nosql5":    "code ip mode name state status time",
		"events.0":                             "ip name type previous_state state previous_code code",
		"services_status.services.1.node11":    "time",
		"services_status.services.2.nosql1.ip": "",
	} {
		at := dig(t, d, path)
		object, _ := at.(map[string]any)
		have := slices.Collect(maps.Keys(object))
		for _, key := range strings.Fields(keys) {
			if !slices.Contains(have, key) {
				t.Errorf("%q has no %q, only %q", path, key, have)
			}
		}
	}
}

// dig follows a path of keys and indexes.
func dig(t *testing.T, value any, path string) any {
	t.Helper()
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			value = v[key[0]-'0']
		default:
			t.Fatalf("there is nothing at %q of %q", key, path)
		}
	}
	return value
}

func sameDocument(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	const asked = `{"level":"instances","command":{"action":"heartbeat","group":"all","type":"all"}}`
	const lenient = "// a comment\n{level:'instances',command:{action:'heartbeat',},}\n"
	byArgument := func() string { return m.run("-o", "json", "instances", "heartbeat").want(t, 0).stdout }
	for name, again := range map[string]func() string{
		"by standard input": func() string { return m.pipe(asked).want(t, 0).stdout },
		"leniently":         func() string { return m.pipe(lenient).want(t, 0).stdout },
		"as YAML":           func() string { return m.run("-o", "yaml", "instances", "heartbeat").want(t, 0).stdout },
		"not to a terminal": func() string { return m.run("instances", "heartbeat").want(t, 0).stdout },
	} {
		first, second := unmoved(t, byArgument, again)
		if diff := cmp.Diff(plain(t, first), plain(t, second)); diff != "" {
			t.Errorf("%s (-by argument +this):\n%s", name, diff)
		}
	}
	if lines := strings.Count(m.pipe(asked+asked+"\n"+lenient).want(t, 0).stdout, "\n"); lines != 3 {
		t.Errorf("three commands got %d lines", lines)
	}
}

// plain reads JSON or YAML, which is its superset, and gives it without its times.
func plain(t *testing.T, text string) any {
	t.Helper()
	var value any
	must(t, yaml.Unmarshal([]byte(text), &value))
	b, err := json.Marshal(value)
	must(t, err)
	must(t, json.Unmarshal([]byte(timeless(string(b))), &value))
	return value
}

// unmoved takes two looks between which no interface of this host came or went, of
// which a document tells by right: other tests make and remove labs meanwhile.
func unmoved(t *testing.T, first, second func() string) (one, two string) {
	t.Helper()
	interfaces := func() string {
		list, err := net.Interfaces()
		must(t, err)
		var text strings.Builder
		for _, i := range list {
			addrs, _ := i.Addrs()
			fmt.Fprintln(&text, i.Name, i.Flags, addrs)
		}
		return text.String()
	}
	eventually(t, "two looks while this host's interfaces stay as they are", func() bool {
		before := interfaces()
		one, two = first(), second()
		return interfaces() == before
	})
	return one, two
}

func nothingChanged(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.heartbeat(0)
	rows := func() string { return s.sql(t, "m2", "SELECT COUNT(*) FROM demo.proof") }
	look := func(args ...string) func() string {
		return func() string {
			a := m.run(append([]string{"-o", "json", "instances", "heartbeat"}, args...)...).want(t, 0)
			if told := parse(t, a.stdout).Events; len(told) != 0 {
				t.Errorf("events: %v", told)
			}
			return a.stdout
		}
	}
	same := func(when string) {
		t.Helper()
		first, second := unmoved(t, look(), look())
		if diff := cmp.Diff(timeless(first), timeless(second)); diff != "" {
			t.Errorf("two looks %s (-first +second):\n%s", when, diff)
		}
	}
	same("at rest")
	stop := s.writing(t)
	begun := rows()
	eventually(t, "writes that reach the replica", func() bool { return rows() != begun })
	begun = rows()
	same("while the replica receives writes")
	if rows() == begun {
		t.Error("nothing was written meanwhile")
	}
	if first, second := unmoved(t, look("--facts"), look("--facts")); timeless(first) == timeless(second) {
		t.Error("with --facts, positions in a database that is written to do not move")
	}
	stop()
}

// writing has a client write rows on the primary until stop.
func (s *site) writing(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = s.Machine("m1").Run(ctx, `while echo "INSERT INTO demo.proof (token) VALUES (UUID());"; do :; done | mariadb`, nil)
	}()
	return func() {
		cancel()
		<-done
	}
}

func exitCodes(t *testing.T, s *site) {
	m := newManager(t, s.sample())
	m.run("instances", "heartbeat").want(t, 0)
	m.run("instances", "heartbeat", "nowhere").want(t, 2, "nowhere", "node10", "m3", "demo")
	m.run("instances", "heartbeat", "--bogus").want(t, 2, "--bogus")
	m.run("instances", "heartbeat", "-o", "xml").want(t, 2, "xml", "table, json or yaml")
	m.run("--cluster", "other", "instances", "heartbeat").want(t, 2, "other", "demo")
	clmgr(t, "", "-c", "/nowhere.yaml", "instances", "heartbeat").want(t, 2, "/nowhere.yaml")
	m.pipe("{level:'instances',command:{action:'dance'}}").want(t, 2, "dance", "heartbeat")
	refused := m.run("instances", "stop", "m1").want(t, 5, "local-machines-have-no-power-api", "m1")
	if code := parse(t, refused.stdout).Code; code != "ER0105" {
		t.Errorf("code %s", code)
	}
	s.stopMemcached(t, "m3")
	down := m.run("services", "status", "nosql2").want(t, 3)
	if d := parse(t, down.stdout); d.Code != "ER0107" || d.service(t, "nosql2").Code != "ER0005" {
		t.Error(down.stdout)
	}
	m.pipe("{level:'instances',command:{action:'stop',group:'m1'}}\n{level:'services',command:{action:'status'}}").want(t, 5)
	s.startMemcached(t, "m3")
	m.run("services", "status", "nosql2").want(t, 0)
}

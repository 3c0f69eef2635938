package heartbeat

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compile reads a schema; closed forbids every key it does not name, so that a
// field cannot be added to a document and left out of its schema.
func compile(t *testing.T, text []byte, closed bool) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if closed {
		shut(doc)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
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

func validate(t *testing.T, s *jsonschema.Schema, document any) {
	t.Helper()
	b, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
}

func TestSchemas(t *testing.T) {
	status, _ := StatusSchema()
	events, _ := EventsSchema()
	_, rec := history(t, look(three), look("a=unreachable@1! b=running@2 c=running@3 d@4? n1:ok@1/w n2:ok@2/w n3:ER0001@3/slave l1:ok@1/vip l2:ok@2/vip"))
	full := Document{Status: rec.Status, Events: rec.Undelivered, AgeAt: at(9)}
	full.Command.Level, full.Command.Action, full.Command.Last, full.Command.Facts = "instances", "heartbeat", true, true
	full.Host = Host{Interfaces: []Interface{{"eth0", "10.0.0.9", "UP"}}, RAM: "1024"}
	full.Clouds = []Cloud{{"c", map[string]string{"driver": "LOCAL"}}, {"d", map[string]string{"driver": "LOCAL"}}}
	full.Instances[0].Facts = map[string]any{"load_1m": 0.5}
	full.Instances[0].Provider, full.Instances[0].SSH, full.Instances[0].Name = "running", "ok", "a"
	full.Services[0].Configured, full.Services[0].Reason = Master, "x"
	validate(t, compile(t, status, true), full)
	script := Event{
		ID: "s", Key: Key{Kind: Scripts, Name: "/etc/clmgr/doctor.d/mail"}, Was: Point{State: "1 event"},
		Is: Point{State: ExitZero}, At: at(9), Manager: "m", Reason: "mailed",
	}
	validate(t, compile(t, events, true), EventList{Events: append(rec.Undelivered, script)})

	sample, err := os.ReadFile("../../testdata/seed/status.json")
	if err != nil {
		t.Fatal(err)
	}
	validate(t, compile(t, status, false), json.RawMessage(sample))
}

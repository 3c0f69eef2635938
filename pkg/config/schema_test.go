package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemaTakesTheSample(t *testing.T) {
	s := compiledSchema(t)
	for _, text := range []string{string(Sample()), completeSample(), string(fleet(3, 5))} {
		if err := s.Validate(asJSON(t, text)); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// Each of these is refused by the schema and by Parse alike.
func TestSchemaAndParseRefuse(t *testing.T) {
	s := compiledSchema(t)
	const base = "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}]}}\n"
	for what, text := range map[string]string{
		"unknown key":         base + "heartbeat: {widht: 1}\n",
		"no clusters":         "manager: m1\n",
		"empty clusters":      "clusters: {}\n",
		"number for duration": base + "heartbeat: {deadline: 10}\n",
		"no unit":             base + "heartbeat: {deadline: '10'}\n",
		"bad size":            base + "events: {max_size: much}\n",
		"bad enum":            base + "ssh: {host_key: never}\n",
		"bad port":            base + "ssh: {port: 0}\n",
		"too wide":            base + "ssh: {width: 70000}\n",
		"bad name":            "clusters: {'a/b': {instances: [{name: db1, ip: 10.0.0.1}]}}\n",
		"width in cluster":    "clusters: {main: {ssh: {width: 3}, instances: [{name: db1, ip: 10.0.0.1}]}}\n",
		"no ip":               "clusters: {main: {instances: [{name: db1}]}}\n",
		"not an ip":           "clusters: {main: {instances: [{name: db1, ip: db1}]}}\n",
		"no mode":             "clusters: {main: {services: [{name: s1, ip: 10.0.0.1}]}}\n",
		"instance and ip":     "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], services: [{name: s1, mode: mysql, ip: 10.0.0.1, instance: db1}]}}\n",
		"neither":             "clusters: {main: {services: [{name: s1, mode: mysql}]}}\n",
		"number as password":  "clusters: {main: {database: {password: 1}, instances: [{name: db1, ip: 10.0.0.1}]}}\n",
		"odd secret":          "clusters: {main: {database: {password: {vault: x}}, instances: [{name: db1, ip: 10.0.0.1}]}}\n",
		"two checks":          base + "modes: {m: {tcp: , http: }}\n",
		"no check":            base + "modes: {m: {port: 1}}\n",
		"no run":              base + "modes: {m: {command: {exit: 1}}}\n",
		"bad unit":            base + "modes: {m: {tcp: , unit: -u}}\n",
		"empty start":         base + "modes: {m: {tcp: , start: ' ', stop: b}}\n",
		"bad tries":           base + "actions: {tries: 0}\n",
		"number as store_key": base + "store_key: 7\n",
		"script as text":      base + "doctor: {scripts: /a}\n",
		"bad regexp":          base + "modes: {m: {tcp: {expect: '['}}}\n",
		"log of two":          "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], logs: [{name: l, instance: db1, unit: u, file: /a, match: [{name: m, regexp: a}]}]}}\n",
		"log of nothing":      "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], logs: [{name: l, instance: db1, match: [{name: m, regexp: a}]}]}}\n",
		"log without match":   "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], logs: [{name: l, instance: db1, unit: u}]}}\n",
		"log file elsewhere":  "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], logs: [{name: l, instance: db1, file: a, match: [{name: m, regexp: a}]}]}}\n",
		"match of nothing":    "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], logs: [{name: l, instance: db1, unit: u, match: [{name: m}]}]}}\n",
		"a list":              "- clusters\n",
	} {
		if err := s.Validate(asJSON(t, text)); err == nil {
			t.Errorf("%s: the schema takes it", what)
		}
		if _, err := Parse("clmgr.yaml", []byte(text), known()); err == nil {
			t.Errorf("%s: Parse takes it", what)
		}
	}
}

func TestSchemaDescribes(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Properties map[string]struct {
			Description string
			Properties  map[string]struct {
				Description string
				Default     any
			}
		}
	}
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	deadline := root.Properties["heartbeat"].Properties["deadline"]
	if !strings.HasPrefix(deadline.Description, "How long a whole heartbeat may take") || deadline.Default != "10s" {
		t.Errorf("deadline: %+v", deadline)
	}
	again, _ := Schema()
	if !bytes.Equal(text, again) {
		t.Error("the schema differs from run to run")
	}
}

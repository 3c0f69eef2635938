package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
)

// samplePasswords lays out what the complete sample refers to, and returns where
// the sample would stand.
func samplePasswords(t *testing.T) string {
	t.Helper()
	t.Setenv("CLMGR_CLOUD_PASSWORD", "canary-cloud")
	t.Setenv("CLMGR_STORE_KEY", "canary-of-the-store")
	t.Setenv("CLMGR_STATS_PASSWORD", "canary-stats")
	t.Setenv("CLMGR_CHAT_URL", "slack://hook:canary-chat@webhook")
	t.Setenv("CLMGR_HOOK_URL", "https://hook.example.com/canary-hook")
	t.Setenv("CLMGR_HOOK_KEY", "canary-of-the-hook")
	t.Setenv("CLMGR_REPLICATION_PASSWORD", "canary-replication")
	t.Setenv("CLMGR_PROMETHEUS_PASSWORD", "canary-of-prometheus")
	t.Setenv("CLMGR_PROMETHEUS_TOKEN", "canary-of-the-token")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "database.password"), []byte("canary-database\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"mariadb.asc": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "haproxy.cfg.tmpl": "{{ .service.name }}\n", "banner.tmpl": "{{ .machine.name }}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "clmgr.yaml")
}

func TestSampleLoads(t *testing.T) {
	file := samplePasswords(t)
	for what, text := range map[string]string{"as written": string(Sample()), "complete": completeSample()} {
		c, err := Parse(file, []byte(text), known())
		if err != nil {
			t.Fatalf("%s:\n%v", what, err)
		}
		if len(c.Warnings) > 0 {
			t.Errorf("%s: %v", what, c.Warnings)
		}
	}
}

// The sample stands as it is for a user who has none of its secrets.
func TestSampleNeedsNothing(t *testing.T) {
	if _, err := Parse(filepath.Join(t.TempDir(), "clmgr.yaml"), Sample(), known()); err != nil {
		t.Error(err)
	}
}

// everyKey calls f for each key of the types.
func everyKey(t reflect.Type, f func(commentKey, rule, reflect.Type)) {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[Config]().PkgPath() {
		return
	}
	for _, r := range (rules{}).of(t).fields {
		field := t.Field(r.index).Type
		f(commentKey{t, r.key}, r, field)
		everyKey(field, f)
	}
}

func TestSampleDescribesEveryKey(t *testing.T) {
	texts, err := sampleComments()
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	everyKey(reflect.TypeFor[Config](), func(k commentKey, _ rule, _ reflect.Type) {
		keys++
		if texts[k] == "" {
			t.Errorf("the sample does not describe %s of %s", k.key, k.in.Name())
		}
	})
	if keys < 60 {
		t.Errorf("only %d keys were found", keys)
	}
}

// What the sample shows beside a key that has a default is the default, unless
// the comment calls it an example.
func TestSampleShowsDefaults(t *testing.T) {
	texts, err := sampleComments()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[commentKey]string{}
	doc := parseSyntax([]byte(completeSample()), &report{})
	var walk func(n ast.Node, t reflect.Type, keyed bool)
	walk = func(n ast.Node, typ reflect.Type, keyed bool) {
		switch {
		case typ.Kind() == reflect.Pointer:
			walk(n, typ.Elem(), keyed)
		case typ.Kind() == reflect.Slice && keyed:
			for _, pair := range mappingValues(n) {
				walk(pair.Value, typ.Elem(), false)
			}
		case typ.Kind() == reflect.Slice:
			for _, item := range n.(*ast.SequenceNode).Values {
				walk(item, typ.Elem(), false)
			}
		case typ.Kind() == reflect.Struct:
			known := (rules{}).of(typ).byKey
			for _, pair := range mappingValues(n) {
				key, _ := keyText(pair.Key)
				if r, ok := known[key]; ok {
					if k := (commentKey{typ, key}); shown[k] == "" {
						shown[k] = literal(pair.Value)
					}
					walk(pair.Value, typ.Field(r.index).Type, r.keyed)
				}
			}
		}
	}
	walk(doc.root, reflect.TypeFor[Config](), false)
	checked := 0
	everyKey(reflect.TypeFor[Config](), func(k commentKey, r rule, typ reflect.Type) {
		if r.standard == "" || strings.Contains(texts[k], "Example:") {
			return
		}
		checked++
		if shown[k] != r.standard {
			t.Errorf("%s of %s: the sample shows %q, the default is %q", k.key, k.in.Name(), shown[k], r.standard)
		}
	})
	if checked < 15 {
		t.Errorf("only %d defaults were compared", checked)
	}
}

// Every default of a tag can be read as a value of its field.
func TestDefaultsAreValues(t *testing.T) {
	everyKey(reflect.TypeFor[Config](), func(k commentKey, r rule, typ reflect.Type) {
		if r.standard == "" || r.standard == "false" || r.standard == "0" {
			return
		}
		v := reflect.New(typ).Elem()
		if setDefault(v, r.standard); v.IsZero() {
			t.Errorf("the default %q of %s in %s cannot be read", r.standard, k.key, k.in.Name())
		}
	})
}

// The defaults of an almost empty file are those of the sample.
func TestSampleIsWhatIsLeftOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clmgr.yaml")
	sample, err := Parse(file, Sample(), known())
	if err != nil {
		t.Fatal(err)
	}
	least, err := Parse(file, []byte("clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}]}}"), known())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Config{sample, least} {
		c.Modes, c.Clusters, c.Rules = nil, nil, nil
	}
	a, _ := sample.Masked()
	b, _ := least.Masked()
	if string(a) != string(b) {
		t.Errorf("the sample:\n%s\nnothing:\n%s", a, b)
	}
}

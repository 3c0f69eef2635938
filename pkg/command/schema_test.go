package command

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/schematest"
)

// What the schema takes Parse takes, and what it refuses Parse refuses.
func TestSchema(t *testing.T) {
	text, _ := Schema()
	valid := schematest.Valid(t, text)
	for in, good := range map[string]bool{
		one: true,
		`{"level":"instances","command":{"action":"heartbeat","last":true,"facts":true,"cluster":"c"}}`: true,
		`{"level":"instances","command":{"action":"heartbeat","gruop":"x"}}`:                            false,
		`{"level":"instances","command":{"action":1}}`:                                                  false,
		`{"level":"instances"}`: false,
		`{"level":"instances","command":{"action":"status"},"more":1}`:                  false,
		`{"actions":[{"do_level":"services","do_action":"start","do_group":"node10"}]}`: true,
		`{"events":[]}`:              true,
		`{"actions":{}}`:             false,
		`{"events":[],"actions":[]}`: false,
		`{"actions":[],"level":"instances","command":{"action":"status"}}`: false,
		`{"actions":[],"plan":"p"}`:                                        false,
	} {
		read, err := NewReader(strings.NewReader(in)).Next()
		if err != nil {
			t.Fatal(err)
		}
		_, perr := Parse(read)
		if verr := valid(in); (verr == nil) != good || (perr == nil) != good {
			t.Errorf("%s: schema says %v, Parse says %v, want good %v", in, verr, perr, good)
		}
	}
}

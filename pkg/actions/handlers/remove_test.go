package handlers

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/actions"
)

func TestMayRemove(t *testing.T) {
	word := map[string]string{RemovalKey("db1"): Meant}
	data, none := &Removing{Data: true}, &Removing{}
	for _, c := range []struct {
		name    string
		how     *Removing
		managed bool
		require map[string]string
		of      int
		want    string
	}{
		{"a cache", none, true, nil, 1, ""},
		{"many caches", none, true, nil, 9, ""},
		{"a database", data, true, nil, 1, "its data would go for good; say --yes"},
		{"meant", data, true, word, 1, ""},
		{"the word of another", data, true, map[string]string{RemovalKey("db2"): Meant}, 1, "say --yes"},
		{"another word", data, true, map[string]string{RemovalKey("db1"): "perhaps"}, 1, "say --yes"},
		{"two, meant", data, true, word, 2, "a database goes alone"},
		{"not managed", nil, false, word, 1, "clmgr does not manage it"},
		{"nothing laid out", nil, true, word, 1, "what clmgr can lay out is"},
	} {
		err := mayRemove(actions.Action{Require: c.require}, Service{Name: "db1", Managed: c.managed, Removing: c.how}, c.of)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

package handlers

import (
	"context"
	"errors"
	"testing"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
)

// A script is run by the manager whose rule it is, with the document that was queued.
func TestScript(t *testing.T) {
	var given string
	h := Handlers{Manager: "m1", Script: func(rule string) Script {
		if rule != "note" {
			return nil
		}
		return func(_ context.Context, document []byte) error {
			given = string(document)
			return nil
		}
	}}
	for _, c := range []struct {
		what, rule, manager, document string
		able                          bool
		want                          string
		permanent                     bool
	}{
		{"ours", "note", "m1", `{"events":[1]}`, true, "{\"events\":[1]}\n", false},
		{"another manager's", "note", "m2", "{}", false, "", false},
		{"by hand", "note", "", "", true, "{\"events\":[]}\n", false},
		{"by hand, of another manager's rule", "x", "", "", false, "", false},
		{"of a rule that is gone", "x", "m1", "{}", true, "", true},
	} {
		given = ""
		a := actions.Action{Do: command.Command{Level: actions.Scripts, Action: actions.RunScript, Group: c.rule}, Require: map[string]string{
			actions.RequireManager: c.manager, actions.RequireDocument: c.document,
		}}
		do := h.Of(a)
		if (do != nil) != c.able {
			t.Errorf("%s: able %v", c.what, do != nil)
		}
		if do == nil {
			continue
		}
		if err := do(t.Context(), a); errors.As(err, new(*actions.Permanent)) != c.permanent || given != c.want {
			t.Errorf("%s: given %q, %v", c.what, given, err)
		}
	}
}

package handlers

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
)

// Script runs a rule's script with a document on its standard input. An error says
// how it ended.
type Script func(ctx context.Context, document []byte) error

// nothing is the document for a script that no event has asked for.
const nothing = `{"events":[]}`

// scripted returns what runs the script of an action; nil for one of another manager.
func (h Handlers) scripted(a actions.Action) func(context.Context, actions.Action) error {
	var run Script
	if h.Script != nil {
		run = h.Script(a.Do.Group)
	}
	owner := a.Require[actions.RequireManager]
	if owner != "" && owner != h.Manager || owner == "" && run == nil {
		return nil
	}
	return func(ctx context.Context, a actions.Action) error {
		if run == nil {
			return &actions.Permanent{Err: fmt.Errorf("cannot run the script of rule %s: there is no such rule any more, or it has none", a.Do.Group)}
		}
		document := a.Require[actions.RequireDocument]
		if document == "" {
			document = nothing
		}
		return run(ctx, []byte(document+"\n"))
	}
}

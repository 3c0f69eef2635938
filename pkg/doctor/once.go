package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Script is an executable that is given one document, for who keeps no marks.
type Script struct {
	Path    string
	Timeout time.Duration
	Env     []string            // NAME=VALUE, besides what every script gets
	Manager string              // this manager's name
	Mask    func(string) string // takes secrets out of what it says; nil for none
}

// Run runs it with the document on its standard input, as a doctor would, and waits
// for its end. Nil says that it exited with 0; else the error says how it ended, and
// what it said. Its process group ends with ctx.
func (s Script) Run(ctx context.Context, document []byte) error {
	d := New(Options{Timeout: s.Timeout, Manager: s.Manager, Mask: s.Mask})
	d.env = s.Env
	r := d.run(ctx, s.Path, document)
	if r.state == heartbeat.ExitZero {
		return nil
	}
	if r.state == interrupted {
		return fmt.Errorf("cannot finish %s: %w", s.Path, context.Cause(ctx))
	}
	said := r.said.line(d.opts.Mask)
	if r.state == cannotStart {
		return fmt.Errorf("cannot start %s: %s", s.Path, said)
	}
	if said != "" {
		said = ": " + said
	}
	return fmt.Errorf("cannot run %s: %s after %s%s", s.Path, r.state, rounded(r.took), said)
}

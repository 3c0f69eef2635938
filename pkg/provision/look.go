package provision

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Part is something that a machine may lack: Packages, Memcached, HAProxy, Keepalived,
// MariaDB, Replica.
type Part interface {
	// what names it, where an error says that it cannot be looked at.
	what() string
	// question is what tells about it; an error says why nobody can tell.
	question() (question, error)
	// missing says in one line what differs, by the machine's reply; empty for nothing.
	missing(reply) (string, error)
}

// further is a Part that is looked at elsewhere too, where its machine lacks nothing of it.
type further interface {
	elsewhere(ctx context.Context) (missing string, err error)
}

// Found is how a Part was found.
type Found struct {
	Missing string // in one line; empty for nothing
	Err     error  // why nobody can tell
}

// Look says what of the parts a machine lacks, by one command there whatever their number, and
// by what programs that run there tell. It changes nothing.
func Look(ctx context.Context, m job.Machine, parts ...Part) []Found {
	found := make([]Found, len(parts))
	var asked []question
	var at []int // the part of each
	for n, p := range parts {
		q, err := p.question()
		if found[n].Err = err; err == nil {
			asked, at = append(asked, q), append(at, n)
		}
	}
	for i, r := range ask(ctx, m, asked...) {
		f := &found[at[i]]
		if f.Err = r.err; r.err == nil {
			f.Missing, f.Err = parts[at[i]].missing(r)
		}
	}
	for n, p := range parts {
		if p, is := p.(further); is && found[n] == (Found{}) {
			found[n].Missing, found[n].Err = p.elsewhere(ctx)
		}
	}
	for n, p := range parts {
		if err := found[n].Err; err != nil {
			found[n].Err = fmt.Errorf("cannot look at %s: %w", p.what(), err)
		}
	}
	return found
}

// askOne asks a machine about one part alone.
func askOne(ctx context.Context, m job.Machine, p Part) (reply, error) {
	q, err := p.question()
	if err != nil {
		return reply{}, err
	}
	r := ask(ctx, m, q)[0]
	return r, r.err
}

// Unknown is a Part of which nobody can tell, and why.
type Unknown struct{ Err error }

func (u Unknown) what() string                  { return "it" }
func (u Unknown) question() (question, error)   { return question{}, u.Err } //nolint:unparam // a Part's
func (u Unknown) missing(reply) (string, error) { return "", u.Err }

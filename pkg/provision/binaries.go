package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Binaries are the programs that a service needs on its machine: packages, the repository
// that they come from, and an archive. They are there once, however many services need them.
type Binaries struct {
	Packages   Packages
	Repository *Repository // nil for those that the machine knows
	Archive    *Archive    // nil for none
}

func (b Binaries) what() string { return b.Packages.what() }

func (b Binaries) question() (question, error) {
	q, err := b.Packages.question()
	if b.Repository != nil {
		q.files = append(q.files, b.Repository.files()...)
	}
	if b.Archive != nil {
		q.script += b.Archive.look()
	}
	return q, err
}

func (b Binaries) missing(r reply) (string, error) {
	if missing := b.lacks(r).words(); len(missing) > 0 {
		return "not installed: " + strings.Join(missing, ", "), nil
	}
	return "", nil
}

// lacking is what of Binaries is not there.
type lacking struct {
	Binaries
	packages Packages
}

func (l lacking) words() []string {
	var out []string
	if l.Repository != nil {
		out = append(out, "the repository "+l.Repository.Name)
	}
	out = append(out, l.packages...)
	if l.Archive != nil {
		out = append(out, l.Archive.To)
	}
	return out
}

// lacks is what the machine does not have.
func (b Binaries) lacks(r reply) lacking {
	l := lacking{packages: b.Packages.not(r.packages)}
	if b.Repository != nil && !b.Repository.there(r.sums) {
		l.Repository = b.Repository
	}
	if b.Archive != nil && !b.Archive.there(r.out) {
		l.Archive = b.Archive
	}
	return l
}

func (b Binaries) look(ctx context.Context, m job.Machine) (lacking, error) {
	r, err := askOne(ctx, m, b)
	if err != nil {
		return lacking{}, err
	}
	return b.lacks(r), nil
}

// Install brings what is missing, as the job j. What the packages bring is not started: it
// is not configured yet. A package database that somebody else holds is waited for. A key or
// an archive with another SHA-256 than wanted, and a repository that is not signed by its key,
// are refused, and nothing of them stays.
func (b Binaries) Install(ctx context.Context, m job.Machine, j job.Job) (changed bool, err error) {
	l, err := b.look(ctx, m)
	if err == nil && len(l.words()) > 0 {
		changed, err = true, b.bring(ctx, m, j, l)
	}
	if err == nil && !changed {
		// Who has brought them may have been killed before it cleared its job away, which
		// may still be at its last words.
		if err = job.Discard(ctx, m, j); !errors.As(err, new(*job.Running)) {
			err = nil
		}
	}
	if err != nil {
		words := l.words()
		if len(words) == 0 {
			words = b.Packages
		}
		return false, fmt.Errorf("cannot install %s: %w", strings.Join(words, " "), err)
	}
	return changed, nil
}

func (b Binaries) bring(ctx context.Context, m job.Machine, j job.Job, l lacking) error {
	script, err := l.script(ctx, m)
	if err != nil {
		return err
	}
	j.Command = script
	r, err := job.Run(ctx, m, j)
	if err != nil {
		return err
	}
	if r.Err() != nil {
		return failure(r)
	}
	left, err := b.look(ctx, m)
	if err != nil {
		return err
	}
	if len(left.words()) == 0 {
		_ = job.Discard(ctx, m, j) // what cannot be cleared now only takes room on the machine
		return nil
	}
	// An earlier try of this epoch installed them, and somebody has removed them since.
	if err := job.Discard(ctx, m, j); err != nil {
		return err
	}
	return fmt.Errorf("the package manager ended well, and there is no %s", strings.Join(left.words(), " "))
}

// script brings what is missing. An archive of the manager's is sent first.
func (l lacking) script(ctx context.Context, m job.Machine) (string, error) {
	var b strings.Builder
	b.WriteString("set -eu\nexport DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8\numask 022\n")
	if l.Repository != nil {
		b.WriteString("(\n" + l.Repository.script() + ")\n")
	}
	if l.Archive != nil {
		if err := l.Archive.send(ctx, m); err != nil {
			return "", err
		}
		b.WriteString("(\n" + l.Archive.script() + ")\n")
	}
	if len(l.packages) > 0 {
		b.WriteString(l.packages.script())
	}
	return b.String(), nil
}

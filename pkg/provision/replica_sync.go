package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Sync gives the replica a copy of what its source holds in the place of its own data,
// and has it follow from there on. Databases that are there go only where replace says
// so; without it the error is *Unwilling.
func (r Replica) Sync(ctx context.Context, j job.Job, replace bool) error {
	if err := r.copied(ctx, j, replace); err != nil {
		return fmt.Errorf("cannot sync %s: %w", r.Name, err)
	}
	return nil
}

// Databases are what a Sync would replace.
func (r Replica) Databases(ctx context.Context) ([]string, error) {
	here, err := Clone{Machine: r.Machine, Unit: r.Database.Unit}.lookHere(ctx, "clmgr-none")
	if err != nil {
		return nil, fmt.Errorf("cannot look at the databases of %s: %w", r.Name, err)
	}
	return here.databases, nil
}

func (r Replica) copied(ctx context.Context, j job.Job, replace bool) error {
	if len(r.Database.Beside) > 0 {
		if _, err := r.Database.look(ctx, r.Machine); err != nil {
			return err // what is there may be another service's
		}
	}
	donor, err := r.donor(ctx)
	if err != nil {
		return err
	}
	// A source that has never written anything has no position to begin at.
	if _, err := r.source(ctx, client, strings.NewReader(proof)); err != nil {
		return &NotYet{fmt.Sprintf("cannot write at its source %s: %v", r.Source, err)}
	}
	c := Clone{Name: r.Name, Machine: r.Machine, Unit: r.Database.Unit, Addr: r.Addr, Donor: donor, Rate: r.CloneRate, Replace: replace}
	if err := c.Run(ctx, j); err != nil {
		return err
	}
	if _, err := r.Database.Install(ctx, r.Machine); err != nil { // its own accounts
		return err
	}
	seen, err := r.look(ctx)
	if err != nil {
		return err
	}
	return r.replicate(ctx, seen)
}

// donorSeen is how one that could be copied from was found.
type donorSeen struct {
	donor   Donor
	source  bool // it is the source itself
	running bool
	follows bool // the source, and keeps up with it
	logged  bool // its own binary log knows where it stands
	version string
}

// donor looks at all who could be copied from, side by side, and chooses one.
func (r Replica) donor(ctx context.Context) (Donor, error) {
	all := append([]Donor{{Name: r.Source, Machine: r.SourceMachine, Unit: r.SourceUnit, Managed: r.SourceManaged}}, r.Donors...)
	seen := make([]donorSeen, len(all))
	var each sync.WaitGroup
	for n, d := range all {
		each.Go(func() { seen[n] = r.lookDonor(ctx, d, n == 0) })
	}
	each.Wait()
	here, err := Clone{Machine: r.Machine, Unit: r.Database.Unit}.lookHere(ctx, "clmgr-none")
	if err != nil {
		return Donor{}, err
	}
	if here.version == "" {
		return Donor{}, errors.New("there is no mariadbd on its machine: install it first")
	}
	d, ok := chooseDonor(seen, here.version)
	if !ok {
		return Donor{}, &NotYet{fmt.Sprintf("its source %s does not run", r.Source)}
	}
	return d, nil
}

// asking is how long one that could be copied from may take to answer.
const asking = 10 * time.Second

func (r Replica) lookDonor(ctx context.Context, d Donor, source bool) donorSeen {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	seen := donorSeen{donor: d, source: source}
	out, err := placeOf(d.Unit).run(ctx, d.Machine, versionScript+replicaScript+`
echo "SELECT CONCAT('logged: ', @@GLOBAL.gtid_binlog_pos = @@GLOBAL.gtid_current_pos)" | `+client, nil)
	if err != nil {
		return seen // one who cannot be asked cannot be copied from either
	}
	there, _ := parseThere(out)
	state := parseReplica(out)
	seen.version, seen.running = there.version, state.running
	seen.follows = state.lacks(r) == "" && state.behind == "0"
	seen.logged = strings.Contains(out, "logged: 1\n")
	return seen
}

// chooseDonor prefers files to a dump, which takes longer, and a replica that keeps up to
// the source, which has to serve.
func chooseDonor(list []donorSeen, version string) (Donor, bool) {
	best, rank := Donor{}, 0
	for _, d := range list {
		fit := d.follows && d.logged && d.donor.Managed && !newer(d.version, version)
		if !d.running || !d.source && !fit {
			continue
		}
		mine := 1
		if !d.source {
			mine++
		}
		if major(d.version) == major(version) {
			mine += 2
		}
		if mine > rank {
			best, rank = d.donor, mine
		}
	}
	return best, rank > 0
}

package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Clone brings a copy of a donor's data onto a replica's machine, in the place of what is
// there, and starts the server with it. The data go straight from machine to machine.
//
//	             manager: two new key pairs, in memory
//	      by standard input │                │ by standard input
//	donor: unit sends ──────┼── ssh, at the ─┼──► replica: unit receives behind an sshd
//	mariadb-backup or dump  │ database's port│    of its own ─► prepare ─► swap ─► start
//
// Both ends are jobs that outlive the manager; whoever comes next follows them. The old
// data stand aside until the server runs with the new ones: for a while both need room.
type Clone struct {
	Name    string // of the replica
	Machine job.Machine
	Unit    string         // of its database
	Addr    netip.AddrPort // of its database; the copy comes in there
	Donor   Donor
	// Rate is how many bytes a second the donor may read for it; 0 for no bound.
	Rate int64
	// Replace says that databases which are there may go.
	Replace bool
}

// Donor is a database that can be copied from.
type Donor struct {
	Name    string
	Machine job.Machine
	Unit    string
	// Managed says that packages may be installed there.
	Managed bool
}

// occupied refuses to put a copy in the place of somebody's databases.
func occupied(databases []string) error {
	return &Unwilling{fmt.Sprintf("its databases (%s) would be replaced by a copy; say --yes (\"yes\": true) if that is meant", strings.Join(databases, ", "))}
}

// Run clones, by units named as j. One that the unit made before, for an earlier owner
// of the same step, is not made again.
func (c Clone) Run(ctx context.Context, j job.Job) error {
	if err := c.run(ctx, j); err != nil {
		return fmt.Errorf("cannot clone %s from %s: %w", c.Name, c.Donor.Name, err)
	}
	return nil
}

func (c Clone) run(ctx context.Context, j job.Job) error {
	here, err := c.lookHere(ctx, j.Unit)
	if err != nil {
		return err
	}
	switch {
	case here.receives:
		sends, err := c.sends(ctx, senderOf(j.Unit))
		if err != nil {
			return err
		}
		if sends || !here.waits {
			return c.follow(ctx, j)
		}
		// Who started it is gone and has the keys: nobody can send to it.
		if _, err := run(ctx, c.Machine, "systemctl stop "+quote(j.Unit+".service"), nil); err != nil {
			return err
		}
		if err := job.Discard(ctx, c.Machine, j); err != nil {
			return err
		}
		if here, err = c.lookHere(ctx, j.Unit); err != nil {
			return err
		}
	case here.cloned.unit == j.Unit:
		return nil
	}
	there, err := c.lookThere(ctx)
	if err != nil {
		return err
	}
	if err := c.may(here, there); err != nil {
		return err
	}
	if err := c.tools(ctx, j, here, there); err != nil {
		return err
	}
	return c.transfer(ctx, j, here, there)
}

// may says why it must not be.
func (c Clone) may(here hereSeen, there thereSeen) error {
	switch {
	case here.version == "":
		return errors.New("there is no mariadbd on its machine: install it first")
	case !here.ours:
		return fmt.Errorf("%s is not marked as clmgr's: install it first, which refuses what it has not made", placeOf(c.Unit).data())
	case len(here.databases) > 0 && !c.Replace:
		return occupied(here.databases)
	case !there.running:
		return &NotYet{c.Donor.Name + " does not run"}
	case newer(there.version, here.version):
		return fmt.Errorf("%s is version %s, and %s cannot follow what is newer than its own %s", c.Donor.Name, there.version, c.Name, here.version)
	case here.free+here.left < roomFor(there.size):
		return fmt.Errorf("the copy needs %d MiB in %s, where %d are free: the old data stay until the new ones serve",
			roomFor(there.size)>>10, placeOf(c.Unit).data(), (here.free+here.left)>>10)
	}
	return nil
}

// roomFor is what a copy may need, in KiB: what is written meanwhile comes too.
func roomFor(size int64) int64 { return size + size/20 + 64<<10 }

// limitFor bounds a transfer of so many KiB: it is for what hangs, broken channels are noticed
// sooner. A MiB a second is the least that a rate may be.
func limitFor(size int64) time.Duration {
	return 30*time.Minute + 2*time.Duration(size>>10)*time.Second
}

// tools installs mariadb-backup where it is missing, in the version of the server beside
// it: any other could bring a newer server along.
func (c Clone) tools(ctx context.Context, j job.Job, here hereSeen, there thereSeen) error {
	if !there.alike(here) {
		return nil // a dump needs nothing
	}
	j.Unit += "-tools"
	if c.Donor.Managed {
		if _, err := backupOf(there.pack).Install(ctx, c.Donor.Machine, j); err != nil {
			return fmt.Errorf("%s: %w", c.Donor.Name, err)
		}
	} else if !there.tool {
		return fmt.Errorf("there is no mariadb-backup on the machine of %s, which clmgr does not manage", c.Donor.Name)
	}
	_, err := backupOf(here.pack).Install(ctx, c.Machine, j)
	return err
}

func backupOf(server string) Packages {
	if server == "" {
		return Packages{"mariadb-backup"}
	}
	return Packages{"mariadb-backup=" + server}
}

// quote makes one word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

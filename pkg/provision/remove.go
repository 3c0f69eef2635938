package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Unwilling is why something is not done, however often it is asked for: it would take
// what is somebody's, or needs a word that was not given.
type Unwilling struct{ Reason string }

func (u *Unwilling) Error() string { return u.Reason }

// Removal is what removing a service takes from its machine. Packages stay, and so does
// every file that does not say that clmgr has written it.
type Removal struct {
	Unit      string
	Enabled   bool
	Active    bool
	Files     []string
	User      string   // an account of the machine
	Data      string   // a directory whose content goes
	Databases []string // of users, in it
}

// Lines says it, a line each.
func (r Removal) Lines() []string {
	var out []string
	if r.Active {
		out = append(out, "the unit "+r.Unit+" is stopped")
	}
	if r.Enabled {
		out = append(out, "the unit "+r.Unit+" is not started at boot any more")
	}
	for _, f := range r.Files {
		out = append(out, "the file "+f+" goes")
	}
	if r.User != "" {
		out = append(out, "the machine's account "+r.User+" goes")
	}
	if r.Data != "" {
		out = append(out, "the data in "+r.Data+" go for good: "+r.lost())
	}
	return out
}

// lost names the databases that go.
func (r Removal) lost() string {
	if len(r.Databases) == 0 {
		return "no database but the server's own"
	}
	return "the databases " + strings.Join(r.Databases, ", ")
}

// Loss says in a few words what nobody can bring back; empty for nothing.
func (r Removal) Loss() string {
	if r.Data == "" {
		return ""
	}
	return "its data go for good: " + r.lost()
}

// written begins every file of clmgr's, after a first line of a program at most.
const written = "Written by clmgr"

// unitLook prints how the unit is.
func unitLook(unit string) string {
	return fmt.Sprintf("echo enabled $(systemctl is-enabled %s 2>/dev/null)\necho active $(systemctl is-active %[1]s 2>/dev/null)\n", unit)
}

// ourFiles runs a command of the shell for each of the files that clmgr has written, as $f.
func ourFiles(paths []string, command string) string {
	return fmt.Sprintf("for f in %s; do if head -n 2 $f 2>/dev/null | grep -q '%s'; then %s; fi; done\n", strings.Join(paths, " "), written, command)
}

// parseRemoval reads what the script of a look prints.
func parseRemoval(unit, out string) Removal {
	r := Removal{Unit: unit}
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "enabled":
			r.Enabled = rest == "enabled"
		case "active":
			r.Active = rest == "active"
		case "file":
			r.Files = append(r.Files, rest)
		case "user":
			r.User = rest
		case "database":
			r.Databases = append(r.Databases, rest)
		}
	}
	return r
}

// paths are all files that clmgr may have written for the service.
func (s served) paths() []string {
	out := []string{s.path}
	for _, f := range s.extra {
		out = append(out, f.path)
	}
	return out
}

// removal looks at what removing it takes.
func (s served) removal(ctx context.Context, m job.Machine, unit string) (Removal, error) {
	if err := onlyUnit(unit, s.unit, "one"); err != nil {
		return Removal{}, fmt.Errorf("cannot remove %s: %w", s.name, err)
	}
	out, err := run(ctx, m, unitLook(s.unit)+ourFiles(s.paths(), "echo file $f"), nil)
	if err != nil {
		return Removal{}, fmt.Errorf("cannot look at what there is of %s: %w", s.name, err)
	}
	return parseRemoval(s.unit, out), nil
}

// remove stops the unit, has it not started at boot, and takes the files away.
func (s served) remove(ctx context.Context, m job.Machine, unit string) error {
	seen, err := s.removal(ctx, m, unit)
	if err != nil || len(seen.Lines()) == 0 {
		return err
	}
	script := "set -eu\n" + alone + endUnit(s.unit) + ourFiles(s.paths(), "rm -f $f") + fmt.Sprintf("rm -f %s %s.part %s.clmgr-new\n", s.old(), s.old(), s.path)
	if _, err := run(ctx, m, script, nil); err != nil {
		return fmt.Errorf("cannot remove %s: %w", s.name, err)
	}
	return removed(s.removal(ctx, m, unit))
}

// removed tells whether a look after a removal still finds something.
func removed(left Removal, err error) error {
	if err != nil {
		return fmt.Errorf("done, but not seen: %w", err)
	}
	if lines := left.Lines(); len(lines) > 0 {
		return fmt.Errorf("cannot remove it: done, and still to do: %s", strings.Join(lines, "; "))
	}
	return nil
}

// endUnit stops a unit and has it not started at boot, where there is one.
func endUnit(unit string) string {
	return fmt.Sprintf("if systemctl cat %s >/dev/null 2>&1; then systemctl disable --quiet --now %[1]s; fi\n", unit)
}

// Removal says what removing it takes.
func (c Memcached) Removal(ctx context.Context, m job.Machine) (Removal, error) {
	return c.served().removal(ctx, m, c.Unit)
}

// Remove takes it off the machine.
func (c Memcached) Remove(ctx context.Context, m job.Machine) error {
	return c.served().remove(ctx, m, c.Unit)
}

// Removal says what removing it takes.
func (h HAProxy) Removal(ctx context.Context, m job.Machine) (Removal, error) {
	return h.served().removal(ctx, m, h.Unit)
}

// Remove takes it off the machine.
func (h HAProxy) Remove(ctx context.Context, m job.Machine) error {
	return h.served().remove(ctx, m, h.Unit)
}

// Removal says what removing it takes.
func (k Keepalived) Removal(ctx context.Context, m job.Machine) (Removal, error) {
	return k.removable().removal(ctx, m, k.Unit)
}

// Remove takes it off the machine.
func (k Keepalived) Remove(ctx context.Context, m job.Machine) error {
	return k.removable().remove(ctx, m, k.Unit)
}

// removable has the script too that it wrote when there was an HAProxy beside it.
func (k Keepalived) removable() served {
	s := k.served()
	s.extra = []file{{path: keepalivedAlive}}
	return s
}

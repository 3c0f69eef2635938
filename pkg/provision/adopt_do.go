package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Adopt takes over a database that somebody else has made: its settings, accounts and
// health become as Install lays them out. Its data stay as they are, and so do the names
// of its logs. The server goes on running; where a setting needs a restart, and restart
// does not say that there may be one, that is an *Unwilling, and nothing is changed.
func (d MariaDB) Adopt(ctx context.Context, m job.Machine, restart bool) error {
	a, err := d.Adoption(ctx, m)
	if err != nil {
		return err
	}
	if err := d.adopt(ctx, m, a, restart); err != nil {
		return fmt.Errorf("cannot adopt %s: %w", d.Name, err)
	}
	return nil
}

func (d MariaDB) adopt(ctx context.Context, m job.Machine, a Adoption, restart bool) error {
	static := a.Restart()
	switch {
	case a.Ours && len(a.Others) == 0:
		return nil
	case a.Ours && !restart:
		return &Unwilling{"it is clmgr's already, and services install makes it as configured: " + strings.Join(a.Others, "; ")}
	case a.Ours:
		return d.settleAdopted(ctx, m)
	case len(static) > 0 && !restart:
		return &Unwilling{NeedsRestart(static)}
	case len(static) > 0:
		if _, err := d.place().run(ctx, m, "set -eu\n"+aloneHere+markScript(a.logs), nil); err != nil {
			return err
		}
		return d.settleAdopted(ctx, m)
	}
	return d.adoptRunning(ctx, m, a)
}

// NeedsRestart says for which settings a server would be restarted.
func NeedsRestart(names []string) string {
	return "it would need a restart for: " + strings.Join(names, ", ")
}

// settleAdopted has an install do what is left, with a restart. The mark goes again where
// the server does not take it: then it is not adopted.
func (d MariaDB) settleAdopted(ctx context.Context, m job.Machine) error {
	_, err := d.install(ctx, m)
	if err == nil {
		return nil
	}
	seen, unseen := d.look(ctx, m)
	if unseen != nil || seen.sum == sum(d.confOf(seen)) || seen.pending {
		return err // it is, or who comes next finds out
	}
	_, unmarked := d.place().run(ctx, m, "set -eu\n"+aloneHere+"rm -f "+mariadbMark+"\n", nil)
	return errors.Join(err, unmarked)
}

// adoptRunning leaves the server running. The mark comes last: what was cut short before
// is somebody else's still, and is begun anew.
func (d MariaDB) adoptRunning(ctx context.Context, m job.Machine, a Adoption) error {
	if statements := d.accountStatements(a.seen) + a.statements(); statements != "" {
		if _, err := d.place().run(ctx, m, client, strings.NewReader(statements)); err != nil {
			return fmt.Errorf("its settings and accounts: %w", err)
		}
	}
	if !a.seen.health {
		if _, err := run(ctx, m, d.Health.script(d.place()), nil); err != nil {
			return fmt.Errorf("what answers balancers: %w", err)
		}
	}
	if _, err := d.place().run(ctx, m, takeOver+markScript(a.logs), strings.NewReader(d.confOf(a.seen))); err != nil {
		return err
	}
	seen, err := d.look(ctx, m)
	if err != nil {
		return err
	}
	if left := seen.lacks(d); len(left) > 0 {
		return fmt.Errorf("done, and still: %s", strings.Join(left, "; "))
	}
	return nil
}

// takeOver is the script that puts the configuration (on standard input) where a server
// finds it that is started next.
const takeOver = `set -eu
umask 022
conf=` + mariadbConf + `
new=$conf.clmgr-new
` + aloneHere + `trap 'rm -f "$new"' EXIT
cat >"$new"
chmod 644 "$new"
said=$(mariadbd --defaults-file="$new" --user=mysql --verbose --help 2>&1 >/dev/null) || { echo "the server refuses the configuration: $said" >&2; exit 3; }
sync "$new"
mv -f "$new" $conf
` + enableUnit + `
`

// markScript says among the data that they are clmgr's now.
func markScript(l logNames) string {
	return `mark=` + mariadbMark + `
cat >$mark.part <<'END OF MARK'
` + adoptedMark(l) + `END OF MARK
chown mysql: $mark.part
sync $mark.part
mv -f $mark.part $mark
`
}

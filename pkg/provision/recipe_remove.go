package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Removal says what removing it takes: the files that the recipe, as it is or as it was, has
// written there. What its commands did stays.
func (r Recipe) Removal(ctx context.Context, m job.Machine) (Removal, error) {
	out, err := run(ctx, m, unitLook(r.Unit)+fmt.Sprintf("if [ -e %s ]; then while read -r f; do if [ -e \"$f\" ]; then echo file $f; fi; done <%[1]s; fi\n", r.stamp()), nil)
	if err != nil {
		return Removal{}, fmt.Errorf("cannot look at what there is of %s: %w", r.Name, err)
	}
	return parseRemoval(r.Unit, out), nil
}

// Remove stops the unit, has it not started at boot, and takes the files away.
func (r Recipe) Remove(ctx context.Context, m job.Machine) error {
	seen, err := r.Removal(ctx, m)
	if err != nil || len(seen.Lines()) == 0 {
		return err
	}
	var b strings.Builder
	b.WriteString("set -eu\n" + alone + endUnit(r.Unit))
	for _, f := range seen.Files {
		fmt.Fprintf(&b, "rm -f %[1]s %[1]s.clmgr-old %[1]s.clmgr-new\n", f)
	}
	b.WriteString("rm -f " + r.stamp() + "\nsystemctl daemon-reload\n")
	if _, err := run(ctx, m, b.String(), nil); err != nil {
		return fmt.Errorf("cannot remove %s: %w", r.Name, err)
	}
	return removed(r.Removal(ctx, m))
}

package provision

import (
	"context"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// calming makes a function that readies the server for its stop. One that is told to end
// while its replication begins, as it does when a start is cut short, may overlook that for
// good (seen with MariaDB 10.11): so it is given the time to start, and replication is
// stopped first. It goes on with the next start.
const calming = `calm() {
	for second in $(seq 30); do
		case $(systemctl show -p SubState --value ` + mariadbUnit + `) in start*) sleep 1 ;; *) break ;; esac
	done
	if systemctl is-active --quiet ` + mariadbUnit + `; then echo 'STOP ALL SLAVES' | timeout 10 ` + client + ` >/dev/null 2>&1 || true; fi
}
`

// Calm readies the database of a unit for its stop.
func Calm(ctx context.Context, m job.Machine, unit string) error {
	_, err := placeOf(unit).run(ctx, m, calming+"calm\n", nil)
	return err
}

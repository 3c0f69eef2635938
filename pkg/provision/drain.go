package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// noticed is how long balancers may take to see that a database gets no new clients: two
// of the checks of HAProxy.conf.
const noticed = 2 * time.Second

// drainScript has Health answer 404, and waits until no client is connected but those of
// the server itself, its replicas and root, or for so many seconds.
const drainScript = `set -eu
if ! systemctl is-active --quiet ` + mariadbUnit + `; then exit 0; fi
: >` + drainFlag + `
sleep %d
for n in $(seq %d); do
	clients=$(` + client + ` 2>/dev/null <<'SQL'
SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER NOT IN ('root', 'system user', 'event_scheduler', '` + healthUser + `') AND COMMAND NOT LIKE 'Binlog Dump%%';
SQL
) || exit 0
	if [ "$clients" = 0 ]; then exit 0; fi
	sleep 1
done
`

// Drain keeps balancers from sending new clients to the database of a machine, and
// gives the ones it has the time to go. It ends when the database is started again.
func Drain(ctx context.Context, m job.Machine, patience time.Duration) error {
	_, err := run(ctx, m, fmt.Sprintf(drainScript, int(noticed.Seconds()), int(patience.Seconds())), nil)
	return err
}

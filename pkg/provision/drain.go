package provision

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// askHealth has asks, a function that tells whether Health says yes to a path.
const askHealth = `asks() {
	perl -MIO::Socket::IP -e 'alarm 3; my $s = IO::Socket::IP->new(PeerHost => "%[1]s", PeerPort => %[2]d) or exit 1; print $s "GET $ARGV[0] HTTP/1.0\r\n\r\n"; exit(<$s> !~ / 200 /)' "$1"
}
end=$(($(date +%%s) + %[3]d))
over() { [ "$(date +%%s)" -ge $end ]; }
`

// drainScript has Health answer 404, and waits until all balancers that ask it were told,
// and no client is connected but those of the server itself, its replicas and root; or for
// so many seconds.
const drainScript = `set -eu
if ! systemctl is-active --quiet ` + mariadbUnit + `; then exit 0; fi
: >` + drainFlag + `
` + askHealth + `if systemctl is-active --quiet %[4]s; then
	until asks /drained || over; do sleep 0.3; done
	sleep 0.5 # who was sent here before is connected by now
fi
while ! over; do
	clients=$(timeout 5 ` + client + ` 2>/dev/null <<'SQL'
SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER NOT IN ('root', 'system user', 'event_scheduler', '` + healthUser + `') AND COMMAND NOT LIKE 'Binlog Dump%%';
SQL
) || exit 0
	if [ "$clients" = 0 ]; then exit 0; fi
	sleep 0.5
done
`

// joinScript waits until all balancers that ask Health lead clients to the database, and
// says "joined" then; or for so many seconds.
const joinScript = `set -eu
` + askHealth + `until asks /joined; do
	if over; then exit 0; fi
	sleep 0.3
done
echo joined
`

// about fills one of the scripts above in.
func (h Health) about(script string, p place, patience time.Duration) string {
	return fmt.Sprintf(script, h.Addr.Addr(), h.Addr.Port(), int(patience.Seconds()), p.healthUnit())
}

// Drain keeps balancers from sending new clients to the database of a unit, and gives the
// ones it has the time to go. It ends when the database is started again.
func (h Health) Drain(ctx context.Context, m job.Machine, unit string, patience time.Duration) error {
	p := placeOf(unit)
	_, err := p.run(ctx, m, h.about(drainScript, p, patience), nil)
	return err
}

// joined waits until balancers lead clients to the database of a unit. A *NotYet says that
// some do not.
func (h Health) joined(ctx context.Context, m Member, patience time.Duration) error {
	p := placeOf(m.Unit)
	out, err := p.run(ctx, m.Machine, h.about(joinScript, p, patience), nil)
	if err != nil {
		return fmt.Errorf("whether balancers lead clients to it cannot be seen: %w", err)
	}
	if strings.TrimSpace(out) != "joined" {
		return &NotYet{fmt.Sprintf("not all balancers lead clients to %s yet", m.Name)}
	}
	return nil
}

package services

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// UnitState is what systemd says of a unit, in its own words.
type UnitState struct {
	ID         string // the full name: of an alias, that of its unit
	Load       string // loaded, not-found, masked, bad-setting, error
	Active     string // active, inactive, failed, activating, deactivating, reloading
	Sub        string // running, exited, dead, auto-restart, ...
	Result     string // success, or how the last run ended
	Type       string // of a service: simple, forking, notify, oneshot, ...
	Invocation string // the id of the current or last run; "" where it never ran
	Since      time.Time
}

// Up tells whether the unit runs.
func (u UnitState) Up() bool { return u.Active == "active" || u.Active == "reloading" }

// Down tells whether nothing of the unit runs or is about to.
func (u UnitState) Down() bool { return u.Active == "inactive" || u.Active == "failed" }

// unitQuestion asks systemd, which answers any user. The clock of the answer is the one
// that runs since boot, so that the machine's idea of the date does not matter.
const unitQuestion = `{ exec </dev/null
LC_ALL=C
export LC_ALL
[ -d /run/systemd/system ] || { echo "systemd does not run this machine" >&2; exit 1; }
sleep %s
read -r up _ </proc/uptime
echo "Up=$up"
systemctl show -p Id -p LoadState -p ActiveState -p SubState -p Result -p Type -p InvocationID \
	-p StateChangeTimestampMonotonic -- '%s'
exit
}
`

// Inspect takes one look at the unit of a service. A unit that does not exist is no
// error: its Load says so.
func Inspect(ctx context.Context, host job.Machine, c Control) (UnitState, error) {
	return inspectAfter(ctx, host, c, 0)
}

func inspectAfter(ctx context.Context, host job.Machine, c Control, pause time.Duration) (UnitState, error) {
	fail := func(err error) (UnitState, error) {
		return UnitState{}, fmt.Errorf("cannot look at unit %s: %w", c.Unit, err)
	}
	if err := checkUnitName(c.Unit); err != nil {
		return fail(err)
	}
	question := fmt.Sprintf(unitQuestion, strconv.FormatFloat(pause.Seconds(), 'f', -1, 64), c.Unit)
	out, err := host.Run(ctx, "sh", strings.NewReader(question))
	if err != nil {
		return fail(err)
	}
	if out.Exit != 0 {
		return fail(fmt.Errorf("exit status %d%s", out.Exit, oneLine(secret.Masker{}, lastWords(out.Stderr, out.Stdout), reasonLimit)))
	}
	u, err := readUnit(string(out.Stdout), time.Now())
	if err != nil {
		return fail(err)
	}
	return u, nil
}

// checkUnitName takes what systemd allows in a name, and so nothing that a shell or
// systemctl would take for more than one.
func checkUnitName(unit string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,254}$`).MatchString(unit) {
		return fmt.Errorf("bad unit name %q", unit)
	}
	return nil
}

// readUnit reads what systemctl show has printed.
func readUnit(text string, now time.Time) (UnitState, error) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	u := UnitState{
		ID: values["Id"], Load: values["LoadState"], Active: values["ActiveState"], Sub: values["SubState"],
		Result: values["Result"], Type: values["Type"], Invocation: values["InvocationID"],
	}
	if u.Load == "" || u.Active == "" {
		return u, errors.New("systemctl says neither LoadState nor ActiveState")
	}
	up, err := strconv.ParseFloat(values["Up"], 64)
	if err != nil {
		return u, fmt.Errorf("unexpected uptime %q", values["Up"])
	}
	if changed, err := strconv.ParseInt(values["StateChangeTimestampMonotonic"], 10, 64); err == nil && changed > 0 {
		ago := time.Duration(up*float64(time.Second)) - time.Duration(changed)*time.Microsecond
		u.Since = now.Add(-max(ago, 0))
	}
	return u, nil
}

// journalLimit bounds looking for the last words of a unit.
const journalLimit = 10 * time.Second

// lastLines are what the unit's processes have said since. It is empty where they said
// nothing, or where the journal is closed to us: that they failed is known without.
func lastLines(ctx context.Context, host job.Machine, u UnitState, since time.Time) string {
	if checkUnitName(u.ID) != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, journalLimit)
	defer cancel()
	seconds := int(time.Since(since).Seconds()) + 2
	out, err := job.Root(ctx, host, fmt.Sprintf(
		`journalctl --sync; journalctl -q --no-pager -a -o cat --since=-%ds _SYSTEMD_UNIT='%s' | tail -n 5 | tail -c 4096`, seconds, u.ID))
	if err != nil {
		return ""
	}
	return string(out.Stdout)
}

package daemon

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/template"
)

//go:embed clmgr.service.tmpl
var unitText string

// UnitName is the name of the daemon's unit.
const UnitName = "clmgr.service"

// UnitMark is the first line of a unit file that this program has written.
const UnitMark = "# Written by clmgr daemon install, which replaces it."

// Unit is what the daemon's unit file says.
type Unit struct {
	Program  string        // the absolute path of clmgr
	Config   string        // of the configuration
	User     string        // who runs it; empty for root
	Writes   []string      // folders that it writes to
	Watchdog time.Duration // without a sign of life
	Start    time.Duration // until the first heartbeat is over
	Stop     time.Duration // until what is at work is over
}

// UnitFor is the unit of a daemon whose heartbeats may take a time, and which drains for
// another.
func UnitFor(deadline, drain time.Duration) Unit {
	return Unit{
		// A heartbeat may take twice its deadline before it is taken to hang, and a loop
		// that hangs is told after half of the watchdog's time.
		Watchdog: max(30*time.Second, 6*deadline), Start: time.Minute + 4*deadline, Stop: drain + 4*deadline + 15*time.Second,
	}
}

// File is the unit file. Paths with characters that systemd reads as something else are
// refused.
func (u Unit) File() (string, error) {
	for _, path := range append([]string{u.Program, u.Config}, u.Writes...) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t\n\"'\\%$;") {
			return "", fmt.Errorf("cannot write a unit: systemd would not read the path %q as it is", path)
		}
	}
	t, err := template.Parse(UnitName, unitText)
	if err != nil {
		return "", err
	}
	seconds := func(d time.Duration) int { return int(d.Seconds()) }
	writes := make([]any, len(u.Writes))
	for n, path := range u.Writes {
		writes[n] = path
	}
	text, err := t.Render(map[string]any{
		"program": u.Program, "config": u.Config, "user": u.User, "writes": writes,
		"watchdog": seconds(u.Watchdog), "start": seconds(u.Start), "stop": seconds(u.Stop),
	})
	if err != nil {
		return "", err
	}
	return UnitMark + "\n" + text, nil
}

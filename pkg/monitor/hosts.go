package monitor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Limits are from which share on a resource is a trouble, in percent. The zero value
// watches nothing.
type Limits struct{ Warning, Critical float64 }

// ParseLimits reads "WARNING/CRITICAL" in percent, as 85/95, or "none".
func ParseLimits(s string) (Limits, error) {
	if s == "none" || s == "" {
		return Limits{}, nil
	}
	w, c, _ := strings.Cut(s, "/")
	warning, err1 := strconv.ParseFloat(strings.TrimSpace(w), 64)
	critical, err2 := strconv.ParseFloat(strings.TrimSpace(c), 64)
	err := errors.Join(err1, err2)
	switch {
	case err != nil:
		err = errors.New("want WARNING/CRITICAL in percent, as in 85/95, or none")
	case !(warning > 0 && warning <= critical && critical <= mostPercent):
		err = errors.New("want more than 0, and the first no more than the second")
	}
	if err != nil {
		return Limits{}, fmt.Errorf("cannot read limits %q: %w", s, err)
	}
	return Limits{warning, critical}, nil
}

// mostPercent bounds limits: a load is percent of all processors, and may be many times that.
const mostPercent = 100_000

// Mount is where a mount point differs. One that is named and not mounted is a trouble.
type Mount struct {
	Path           string
	Blocks, Inodes Limits
}

// Host is what is watched of the resources of a machine.
type Host struct {
	Machine
	Disk, Inodes Limits // of each file system on a disk
	Ramdisk      Limits // of each in memory
	Memory, Swap Limits
	Load         Limits // of five minutes
	Mounts       []Mount
	Clear        float64       // how far below a limit the share is when that is over, percentage points
	For          time.Duration // how long it has to be so
}

// WatchHosts is the loop that looks at resources: one command a machine and beat.
func WatchHosts(o Options, hosts []Host) *Loop {
	l := &Loop{name: "hosts"}
	for _, m := range hosts {
		k := keeper{store: o.Store, key: "watch/hosts/" + m.Cluster + "/" + m.Name, tell: o.Tell}
		l.tasks = append(l.tasks, &task{every: m.Every, limit: m.Timeout, look: func(ctx context.Context) take {
			var seen host
			text, err := m.ask(ctx, hostQuestion)
			if err == nil {
				seen, err = readHost(text)
			}
			return func(ctx context.Context, now time.Time) error {
				return k.turn(ctx, "look at resources", now, func(b *book, now time.Time) { m.turn(b, o, seen, err, now) })
			}
		}})
		l.watched = append(l.watched, m.watching(heartbeat.Hosts, "resources", k, func(state string) bool { return state == OK }))
	}
	return l
}

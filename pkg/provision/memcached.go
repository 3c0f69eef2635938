package provision

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Memcached is a memcached that clmgr configures, as Debian's package runs it: one a
// machine, by the unit memcached.
type Memcached struct {
	Name string
	Unit string
	Addr netip.AddrPort // where it listens, besides the loopback address
	// MemPct is how much of the machine's memory it may fill with items, in percent; 0
	// leaves memcached's own default of 64 MiB.
	MemPct int
}

const (
	memcachedConf = "/etc/memcached.conf"
	memcachedUnit = "memcached"
	// memcachedDefault is what memcached takes where nobody says, in MiB.
	memcachedDefault = 64
)

// memoryFact prints how much memory a machine has, in KiB.
const memoryFact = `awk '/^MemTotal:/ {print $2}' /proc/meminfo`

// Missing says in one line what differs on the machine; empty for nothing.
func (c Memcached) Missing(ctx context.Context, m job.Machine) (string, error) {
	return c.served().missingLine(ctx, m)
}

// Install writes the configuration where it differs, and has the unit started at boot.
// A memcached that runs with another configuration is restarted.
func (c Memcached) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return c.served().install(ctx, m)
}

func (c Memcached) served() served {
	return served{
		name: c.Name, unit: memcachedUnit, path: memcachedConf, facts: memoryFact, take: "systemctl restart $unit && sleep 0.3 && systemctl is-active --quiet $unit",
		render: func(facts string) (string, error) {
			if err := onlyUnit(c.Unit, memcachedUnit, "one memcached"); err != nil {
				return "", err
			}
			memory, err := strconv.ParseInt(facts, 10, 64)
			if err != nil {
				return "", fmt.Errorf("the machine's memory: %w", err)
			}
			return c.conf(memory), nil
		},
	}
}

// onlyUnit refuses another unit than that of Debian's package.
func onlyUnit(unit, only, what string) error {
	if unit != only {
		return fmt.Errorf("clmgr can manage the unit %s only, not %s: Debian's package runs %s a machine", only, unit, what)
	}
	return nil
}

// conf is the file, for a machine of so many KiB.
func (c Memcached) conf(memory int64) string {
	size := int64(memcachedDefault)
	if c.MemPct > 0 {
		size = max(memory*int64(c.MemPct)/100/1024, memcachedDefault)
	}
	return fmt.Sprintf(`# Written by clmgr for the service %s; clmgr services install writes it again.
-m %d
-p %d
-u memcache
-l 127.0.0.1
-l %s
`, c.Name, size, c.Addr.Port(), c.Addr.Addr())
}

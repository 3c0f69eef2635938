package provision

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
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
	// Template makes the configuration; empty for clmgr's.
	Template string
}

const (
	memcachedConf = "/etc/memcached.conf"
	memcachedUnit = "memcached"
	// memcachedDefault is what memcached takes where nobody says, in MiB.
	memcachedDefault = 64
)

func (c Memcached) what() string                    { return c.served().what() }
func (c Memcached) question() (question, error)     { return c.served().question() }
func (c Memcached) missing(r reply) (string, error) { return c.served().missing(r) }

// Install writes the configuration where it differs, and has the unit started at boot.
// A memcached that runs with another configuration is restarted.
func (c Memcached) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	return c.served().install(ctx, m)
}

func (c Memcached) served() served {
	return served{
		name: c.Name, unit: memcachedUnit, path: memcachedConf, facts: memoryScript("facts"), take: "systemctl restart $unit && sleep 0.3 && systemctl is-active --quiet $unit",
		render: func(facts string) (string, error) {
			if err := onlyUnit(c.Unit, memcachedUnit, "one memcached"); err != nil {
				return "", err
			}
			memory, err := strconv.ParseInt(facts, 10, 64)
			if err != nil {
				return "", fmt.Errorf("the machine's memory: %w", err)
			}
			return c.conf(memory)
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
func (c Memcached) conf(memory int64) (string, error) {
	size := int64(memcachedDefault)
	if c.MemPct > 0 {
		size = max(memory*int64(c.MemPct)/100/1024, memcachedDefault)
	}
	ip := c.Addr.Addr().String()
	text, err := renderConf(c.Template, memcachedTemplate, map[string]any{
		"name": c.Name, "size": int(size), "port": int(c.Addr.Port()), "ip": ip,
	}, []needed{
		{fmt.Sprintf(`(-p|--port)[ \t=]+%d`, c.Addr.Port()), fmt.Sprintf("-p %d, where clmgr asks it", c.Addr.Port())},
		{`(-l|--listen)[ \t=]+(\S+,)?` + regexp.QuoteMeta(ip) + `(,\S+)?`, "-l " + ip + ", where clmgr asks it"},
	})
	if err != nil {
		return "", err
	}
	return confHead(c.Name) + text, nil
}

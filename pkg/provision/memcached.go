package provision

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

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
	// memcachedPending is there from before a change until memcached was restarted.
	memcachedPending = memcachedConf + ".clmgr-pending"
	// memcachedDefault is what memcached takes where nobody says, in MiB.
	memcachedDefault = 64
)

// Missing says in one line what differs on the machine; empty for nothing.
func (c Memcached) Missing(ctx context.Context, m job.Machine) (string, error) {
	seen, err := c.look(ctx, m)
	if err != nil {
		return "", fmt.Errorf("cannot look at the configuration of %s: %w", c.Name, err)
	}
	return seen.missing(c), nil
}

// Install writes the configuration where it differs, and has the unit started at boot.
// A memcached that runs with another configuration is restarted.
func (c Memcached) Install(ctx context.Context, m job.Machine) (changed bool, err error) {
	seen, err := c.look(ctx, m)
	if err != nil {
		return false, fmt.Errorf("cannot install %s: %w", c.Name, err)
	}
	if seen.missing(c) == "" {
		return false, nil
	}
	script := "set -eu\n" + alone + ": >" + memcachedPending + "\n" + replaceFile(memcachedConf, "0644") +
		"systemctl enable --quiet " + memcachedUnit + "\nsystemctl try-restart " + memcachedUnit + "\nrm " + memcachedPending + "\n"
	if _, err := run(ctx, m, script, strings.NewReader(c.conf(seen.memory))); err != nil {
		return false, fmt.Errorf("cannot install %s: %w", c.Name, err)
	}
	if seen, err = c.look(ctx, m); err != nil {
		return false, fmt.Errorf("cannot see whether %s is installed: %w", c.Name, err)
	}
	if missing := seen.missing(c); missing != "" {
		return false, fmt.Errorf("cannot install %s: done, and still %s", c.Name, missing)
	}
	return true, nil
}

// memcachedSeen is how a machine's memcached is configured.
type memcachedSeen struct {
	memory  int64 // of the machine, in KiB
	sum     string
	enabled bool
	pending bool // a change that memcached may not know
}

func (c Memcached) look(ctx context.Context, m job.Machine) (memcachedSeen, error) {
	if c.Unit != memcachedUnit {
		return memcachedSeen{}, fmt.Errorf("clmgr can manage the unit %s only, not %s: Debian's package runs one memcached a machine", memcachedUnit, c.Unit)
	}
	out, err := run(ctx, m, `awk '/^MemTotal:/ {print $2}' /proc/meminfo
if systemctl is-enabled --quiet `+memcachedUnit+` 2>/dev/null; then echo enabled; else echo no; fi
sha256sum <`+memcachedConf+` 2>/dev/null || echo none
if [ -e `+memcachedPending+` ]; then echo pending; fi
`, nil)
	if err != nil {
		return memcachedSeen{}, err
	}
	words := strings.Fields(out)
	if len(words) < 3 {
		return memcachedSeen{}, fmt.Errorf("the machine answers %q", out)
	}
	memory, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return memcachedSeen{}, fmt.Errorf("the machine's memory: %w", err)
	}
	return memcachedSeen{memory: memory, enabled: words[1] == "enabled", sum: words[2], pending: words[len(words)-1] == "pending"}, nil
}

func (s memcachedSeen) missing(c Memcached) string {
	switch {
	case s.sum != sum(c.conf(s.memory)):
		return memcachedConf + " is not as configured"
	case s.pending:
		return "a change of " + memcachedConf + " was cut short"
	case !s.enabled:
		return "the unit " + memcachedUnit + " is not started at boot"
	}
	return ""
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

// replaceFile is a script that replaces a file by what comes on standard input, in one
// step: whoever opens it finds the old or the new one, whole. What a try that was killed
// leaves beside it is replaced by the next one.
func replaceFile(path, mode string) string {
	return fmt.Sprintf(`new=%[1]s.clmgr-new
trap 'rm -f "$new"' EXIT
cat >"$new"
chmod %[2]s "$new"
sync "$new"
mv -f "$new" %[1]s
`, path, mode)
}

package watch

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clmgr/clmgr/pkg/peers"
)

// metrics measures what every manager publishes of itself and its machine, and adds the
// values of the gauges.
func (r *running) metrics() []peers.Metric {
	ttl := r.o.Settings.TTL
	out := []peers.Metric{
		{Name: peers.Heartbeat, Value: strconv.Itoa(int(r.clock() / time.Second)), Seq: r.seq, TTL: ttl, Valid: true},
		r.measured("load", load),
		r.measured("memory", availableMemory),
		r.measured("disk", func() (string, error) { return usedDisk(r.o.Disk) }),
	}
	return append(out, r.gauges.list(time.Now())...)
}

func (r *running) measured(name string, measure func() (string, error)) peers.Metric {
	m := peers.Metric{Name: name, Seq: r.seq, TTL: r.o.Settings.TTL, Valid: true}
	var err error
	if m.Value, err = measure(); err != nil {
		m.Valid, m.Age, m.Why = false, m.TTL, err.Error()
	}
	if r.once[name] = r.once[name] || m.Valid; !r.once[name] {
		m.Seq = 0 // this system does not tell
	}
	return m
}

// load is the load average of one minute.
func load() (string, error) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", fmt.Errorf("cannot measure load: %w", err)
	}
	value, _, _ := strings.Cut(string(b), " ")
	return value, nil
}

// availableMemory is the memory that programs could still get, in percent of all.
func availableMemory() (string, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return "", fmt.Errorf("cannot measure memory: %w", err)
	}
	defer f.Close()
	kib := map[string]uint64{}
	for scan := bufio.NewScanner(f); scan.Scan(); {
		if fields := strings.Fields(scan.Text()); len(fields) > 1 {
			kib[fields[0]], _ = strconv.ParseUint(fields[1], 10, 64)
		}
	}
	if kib["MemTotal:"] == 0 {
		return "", errors.New("cannot measure memory: the system does not tell how much there is")
	}
	return strconv.FormatUint(100*kib["MemAvailable:"]/kib["MemTotal:"], 10) + "% available", nil
}

// usedDisk is how full the file system of a folder is for those who are not root.
func usedDisk(folder string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return "", fmt.Errorf("cannot measure disk %s: %w", folder, err)
	}
	used := s.Blocks - s.Bfree
	if used+s.Bavail == 0 {
		return "", fmt.Errorf("cannot measure disk %s: it has no size", folder)
	}
	return strconv.FormatUint(100*used/(used+s.Bavail), 10) + "% used", nil
}

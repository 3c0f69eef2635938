package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
)

// labsDir holds one directory for each lab, made whole (by renaming) and removed last.
const labsDir = "/var/lib/clmgr-lab"

// state is what lab.json says: all that is needed to find what the lab made. Network
// names come from Subnet (bridge and tables "clab<subnet>", cables "clab<subnet>m<n>"),
// the control group and the directory from Name.
type state struct {
	Name      string         `json:"name"`
	Subnet    uint8          `json:"subnet"` // 10.213.<subnet>.0/24
	CPU       int            `json:"cpu,omitempty"`
	Ephemeral bool           `json:"ephemeral"`
	Owner     owner          `json:"owner"` // the process an ephemeral lab dies with
	Machines  []machineState `json:"machines"`
	Endpoint  *Endpoint      `json:"ec2,omitempty"` // of its EC2 API, once it had one
}

type machineState struct {
	Name  string `json:"name"`
	Image string `json:"image"` // directory of the lower layer
	Host  uint8  `json:"host"`  // 10.213.<subnet>.<host>
}

// owner is a process; the start time (in clock ticks since boot) and the boot tell it
// from a later one with its number.
type owner struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
	Boot  string `json:"boot"`
}

func thisProcess() owner {
	return owner{PID: os.Getpid(), Start: startTime(os.Getpid()), Boot: bootID()}
}

func (o owner) alive() bool { return o.Boot == bootID() && o.Start == startTime(o.PID) }

func bootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// startTime is field 22 of /proc/<pid>/stat, counted after the name, which may hold
// blanks; a process that is gone has "gone", which equals no start time.
func startTime(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "gone"
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return "gone"
	}
	return fields[19]
}

var goodName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// locked runs f while no other process claims or gives back subnets and forwarding.
func locked(ctx context.Context, f func() error) error {
	if err := os.MkdirAll(labsDir, 0o755); err != nil {
		return err
	}
	lock, err := lockFile(ctx, filepath.Join(labsDir, ".lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	return f()
}

// claim gives the lab a free subnet and makes its directory. Call it locked.
func claim(s *state) error {
	taken, err := takenSubnets()
	if err != nil {
		return err
	}
	for n := uint8(1); n < 255; n++ {
		if !taken[n] {
			s.Subnet = n
			break
		}
	}
	if s.Subnet == 0 {
		return errors.New("all 254 subnets of 10.213.0.0/16 are taken")
	}
	fresh := filepath.Join(labsDir, ".new-"+s.Name)
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o700)); err != nil {
		return err
	}
	if err := writeState(fresh, *s); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(labsDir, s.Name))
}

// takenSubnets are those of other labs and those this host reaches in other ways.
func takenSubnets() (map[uint8]bool, error) {
	taken := map[uint8]bool{}
	names, err := names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if s, err := readState(name); err == nil {
			taken[s.Subnet] = true
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() {
			continue
		}
		for n := uint8(1); n < 255; n++ {
			if p.Overlaps(subnet(n)) {
				taken[n] = true
			}
		}
	}
	return taken, nil
}

func subnet(n uint8) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, n, 0}), 24)
}

// names lists the labs that have a directory, whole or half removed.
func names() ([]string, error) {
	entries, err := os.ReadDir(labsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if e.IsDir() && goodName.MatchString(e.Name()) {
			found = append(found, e.Name())
		}
	}
	return found, nil
}

func readState(name string) (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(labsDir, name, "lab.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("cannot read lab.json of %s: %w", name, err)
	}
	for n := range s.Machines {
		// Labs made before machines could come and go have them in order.
		if m := &s.Machines[n]; m.Host == 0 {
			m.Host = uint8(n + firstHost) //nolint:gosec // there are at most 200
		}
	}
	return s, nil
}

func writeState(dir string, s state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, "lab.json"), append(text, '\n'), 0o600)
}

package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/pkg/remote"
)

// usual is a machine whose memory is watched.
func usual() Host {
	return Host{Machine: Machine{Cluster: "demo", Name: "h", IP: netip.MustParseAddr("10.0.0.1")}, Memory: Limits{80, 95}, Clear: 5}
}

// fill is one turn with so much memory used.
func (p *pages) fill(m Host, now time.Time, share float64) []string {
	return p.turn(now, func(b *book, now time.Time) {
		m.turn(b, plain, host{hostname: "host1", memory: share, swap: -1}, nil, now)
	})
}

func TestHosts(t *testing.T) {
	lasting := usual()
	lasting.For = 2 * time.Minute
	for _, c := range []struct {
		what  string
		m     Host
		looks []string // "share | told", a minute apart
	}{
		{"up and down", usual(), []string{
			"79.9 |", "80 | h/memory: ok → warning", "95 | h/memory: warning → critical", "90.1 |", "90 | h/memory: critical → warning", "75.1 |", "75 | h/memory: warning → ok",
		}},
		{"at once", usual(), []string{"100 | h/memory: ok → critical", "0 | h/memory: critical → ok"}},
		{"around a limit", usual(), []string{"80 | h/memory: ok → warning", "79 |", "80 |", "76 |", "80 |"}},
		{"for", lasting, []string{"99 |", "0 |", "99 |", "99 |", "99 | h/memory: ok → critical", "0 |", "0 |", "0 | h/memory: critical → ok"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := &pages{t: t}
			for n, step := range c.looks {
				text, want, _ := strings.Cut(step, "|")
				share, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
				if err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprintf("look %d, %s", n+1, text), p.fill(c.m, noon.Add(time.Duration(n)*time.Minute), share), strings.TrimSpace(want))
			}
		})
	}
}

// A share that moves by less than clear is told on its way up, and never on its way back.
func TestHostsDoNotFlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, p := usual(), &pages{t: t}
		middle := rapid.Float64Range(3, 97).Draw(t, "middle")
		var told []string
		for n := range rapid.IntRange(1, 30).Draw(t, "looks") {
			share := middle + rapid.Float64Range(-2.4, 2.4).Draw(t, "off")
			told = append(told, p.fill(m, noon.Add(time.Duration(n)*time.Minute), share)...)
		}
		up := []string{"h/memory: ok → warning", "h/memory: ok → critical", "h/memory: warning → critical"}
		for n, text := range told {
			if !slices.Contains(up, text) || slices.Contains(told[:n], text) {
				t.Fatalf("around %v: %v", middle, told)
			}
		}
	})
}

// What a look that failed says nothing about keeps its state; of a machine that cannot be
// reached nothing is told at all.
func TestHostsUnseen(t *testing.T) {
	p, m := &pages{t: t}, usual()
	turn := func(err error) []string {
		return p.turn(noon, func(b *book, now time.Time) { m.turn(b, plain, host{}, err, now) })
	}
	same(t, "full", p.fill(m, noon, 99), "h/memory: ok → critical")
	same(t, "silent", turn(&remote.Error{Stage: remote.StageSilent, Err: errors.New("nobody")}), "")
	same(t, "broken", turn(errors.New("exit status 1")), "h/look: answering → failed")
	same(t, "silent", turn(&remote.Error{Stage: remote.StageSilent, Err: errors.New("nobody")}), "")
	same(t, "still broken", turn(errors.New("exit status 1")), "")
	same(t, "back", p.fill(m, noon, 99), "h/look: failed → answering")
	m.Memory = Limits{}
	same(t, "not watched", p.fill(m, noon, 99), "h/memory: critical → unknown")
}

// machineText is what a machine answers: Debian 12 in a container, shortened, with a disk
// and mount points of odd names added.
const machineText = `m1
2.00 3.00 1.00 1/100 4711
2
memory
MemTotal:       24576000 kB
MemFree:         1000000 kB
MemAvailable:   18432000 kB
SwapTotal:       1000000 kB
SwapFree:         250000 kB
mounts
overlay / overlay rw,relatime,lowerdir=/a 0 0
tmpfs /run tmpfs rw,nosuid,size=4915200k 0 0
/dev/sda1 /srv/a\040b ext4 rw,relatime 0 0
/dev/sdb1 /srv/100% xfs rw 0 0
/dev/sdc1 /boot/efi vfat ro 0 0
/dev/loop0 /snap/core squashfs ro,nodev 0 0
overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
proc /proc proc rw 0 0
blocks
Filesystem     1024-blocks     Used Available Capacity Mounted on
overlay          100000000 60000000  20000000      75% /
tmpfs              4915200        0   4915200       0% /run
/dev/sda1             1000      900       100      90% /srv/a b
/dev/sdb1             1000        0      1000       0% /srv/100%
/dev/sdc1             1000     1000         0     100% /boot/efi
/dev/loop0            1000     1000         0     100% /snap/core
overlay          100000000 60000000  20000000      75% /var/lib/docker/overlay2/x/merged
inodes
Filesystem      Inodes  IUsed  IFree IUse% Mounted on
overlay        1000000 250000 750000   25% /
tmpfs           819200    100 819100    1% /run
/dev/sda1            0      0      0     - /srv/a b
`

func TestReadHost(t *testing.T) {
	h, err := readHost(machineText)
	if err != nil {
		t.Fatal(err)
	}
	if h.hostname != "m1" || h.load != 150 || h.memory != 25 || h.swap != 75 {
		t.Errorf("%+v", h)
	}
	want := []mount{
		{path: "/", blocks: 75, inodes: 25},
		{path: "/run", ram: true, blocks: 0, inodes: 100 * 100.0 / 819200},
		{path: "/srv/a b", blocks: 90, inodes: -1},
		{path: "/srv/100%", blocks: 0, inodes: -1},
	}
	if fmt.Sprintf("%+v", h.mounts) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", h.mounts, want)
	}
	before, _, _ := strings.Cut(machineText, "blocks")
	for _, bad := range []string{"", "m1\n", strings.Replace(machineText, "MemAvailable", "MemOther", 1), before, strings.Replace(machineText, "3.00", "x", 1)} {
		if h, err := readHost(bad); err == nil {
			t.Errorf("%q is taken: %+v", bad, h)
		}
	}
}

// Every resource has a condition, named by what it is.
func TestHostsAreNamed(t *testing.T) {
	m, l := usual(), Limits{1, 2}
	m.Disk, m.Inodes, m.Ramdisk, m.Swap, m.Load = l, l, l, l, l
	m.Mounts = []Mount{{Path: "/srv/a b", Blocks: Limits{}, Inodes: l}, {Path: "/srv/data", Blocks: l}}
	h, err := readHost(machineText)
	if err != nil {
		t.Fatal(err)
	}
	p := &pages{t: t}
	got := p.turn(noon, func(b *book, now time.Time) { m.turn(b, plain, h, nil, now) })
	same(t, "first look", got, "h/disk:/: ok → critical; h/disk:/srv/data: ok → absent; h/inodes:/: ok → critical; h/load: ok → critical; h/swap: ok → critical")
}

// No answer makes reading it panic, and no share is beyond all.
func FuzzReadHost(f *testing.F) {
	f.Add(machineText)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := readHost(text)
		if err != nil {
			return
		}
		for _, m := range h.mounts {
			if m.path == "" || m.blocks < 0 {
				t.Errorf("%+v", m)
			}
		}
	})
}

// This machine is one too.
func TestHere(t *testing.T) {
	m := Machine{Runner: remote.ThisHost()}
	text, err := m.ask(t.Context(), hostQuestion)
	if err != nil {
		t.Fatal(err)
	}
	h, err := readHost(text)
	if err != nil || h.memory <= 0 || h.memory >= 100 || len(h.mounts) == 0 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := m.ask(t.Context(), "echo no >&2; exit 3"); err == nil || err.Error() != "exit status 3: no" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := m.ask(ctx, "exec sleep 60"); err == nil || unreachable(err) || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

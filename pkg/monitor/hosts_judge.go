package monitor

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Resources, as the events are named: db1/memory, db1/disk:/var/lib/mysql.
const (
	diskOf    = "disk:"
	inodesOf  = "inodes:"
	ramdiskOf = "ramdisk:"
	memory    = "memory"
	swap      = "swap"
	load      = "load"
)

// use is how much of a resource is used.
type use struct {
	share  float64 // percent; below 0 for a file system that is not there
	limits Limits
	path   string // of a file system
}

// turn judges a look. A file system that is mounted no more is not full any more.
func (m Host) turn(b *book, o Options, seen host, err error, now time.Time) {
	s := m.subject(o.Manager, heartbeat.Hosts, o.Mask(seen.hostname))
	if !m.look(b, s, err, o.Mask, now) {
		return
	}
	uses := m.uses(seen)
	for _, what := range slices.Sorted(maps.Keys(uses)) {
		name, u := m.Name+"/"+what, uses[what]
		t := b.at(name, OK, now)
		state, severity := m.state(t, u)
		labels := map[string]string{"path": u.path, labelValue: strconv.FormatFloat(u.share, 'f', 1, 64)}
		reason := labels[labelValue] + " % used"
		if what == load {
			reason = labels[labelValue] + " % of the processors, over five minutes"
		}
		if u.share < 0 {
			reason, labels = "nothing is mounted there", map[string]string{"path": u.path}
		}
		b.move(s, t, state, m.For, change{name: name, reason: reason, labels: labels}, severity, now)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Tracks)) {
		if _, watched := uses[name[len(m.Name)+1:]]; !watched && name != m.Name+ofLook {
			b.retire(s, name, func(state string) bool { return state == OK }, "it is not there, or not watched, any more", now)
		}
	}
}

// uses are the resources that are watched, by name.
func (m Host) uses(h host) map[string]use {
	out := map[string]use{}
	add := func(name, path string, share float64, l Limits) {
		if l != (Limits{}) {
			out[name+path] = use{share, l, path}
		}
	}
	add(memory, "", h.memory, m.Memory)
	add(load, "", h.load, m.Load)
	if h.swap >= 0 {
		add(swap, "", h.swap, m.Swap)
	}
	there := map[string]bool{}
	for _, f := range h.mounts {
		there[f.path] = true
		blocks, inodes, name := m.Disk, m.Inodes, diskOf
		if f.ram {
			blocks, name = m.Ramdisk, ramdiskOf
		}
		if n := slices.IndexFunc(m.Mounts, func(x Mount) bool { return x.Path == f.path }); n >= 0 {
			blocks, inodes = m.Mounts[n].Blocks, m.Mounts[n].Inodes
		}
		add(name, f.path, f.blocks, blocks)
		if f.inodes >= 0 {
			add(inodesOf, f.path, f.inodes, inodes)
		}
	}
	for _, x := range m.Mounts {
		if !there[x.Path] {
			add(diskOf, x.Path, -1, x.Blocks)
		}
	}
	return out
}

// state is what a share makes of a condition, and its severity. What has begun ends when
// the share is below the limit by Clear, so that one that moves around the limit is not
// told again and again.
func (m Host) state(t *track, u use) (state, severity string) {
	if u.share < 0 {
		return heartbeat.Absent, Critical
	}
	above := func(limit float64, began bool) bool {
		return u.share >= limit || began && u.share > limit-m.Clear
	}
	switch {
	case above(u.limits.Critical, t.State == Critical):
		return Critical, Critical
	case above(u.limits.Warning, t.State == Critical || t.State == Warning):
		return Warning, Warning
	}
	return OK, ""
}

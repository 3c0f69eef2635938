package heartbeat

import (
	"net/netip"
	"time"
)

// entry is what Diff needs of an instance, a service or a condition.
type entry struct {
	key    Key
	name   string // of an instance: the configured one
	ip     netip.Addr
	point  Point
	at     time.Time
	reason string
}

// length and entry let Diff walk a status without copying it.
func (s *Status) length() int { return len(s.Conditions) + len(s.Instances) + len(s.Services) }

func (s *Status) entry(n int) entry {
	if n < len(s.Conditions) {
		c := &s.Conditions[n]
		return entry{key: c.Key(), point: c.Point(), at: s.At, reason: c.Reason}
	}
	n -= len(s.Conditions)
	if n < len(s.Instances) {
		i := &s.Instances[n]
		return entry{key: i.Key(), name: i.Name, ip: i.IP, point: i.Point(), at: i.At, reason: i.Reason}
	}
	v := &s.Services[n-len(s.Instances)]
	return entry{key: v.Key(), ip: v.IP, point: v.Point(), at: v.At, reason: v.Reason}
}

// shelf finds entries by key: names within the cluster and kind, which are few.
// Of entries with one name the first counts.
type shelf map[Key]map[string]int

func (s *Status) shelf() shelf {
	out := shelf{}
	var names map[string]int
	var open Key
	for n := range s.length() {
		k := s.entry(n).key
		label := Key{Cluster: k.Cluster, Kind: k.Kind}
		if names == nil || label != open {
			if names = out[label]; names == nil {
				names = make(map[string]int, s.length())
				out[label] = names
			}
			open = label
		}
		if _, ok := names[k.Name]; !ok {
			names[k.Name] = n
		}
	}
	return out
}

func (f shelf) find(k Key) (int, bool) {
	n, ok := f[Key{Cluster: k.Cluster, Kind: k.Kind}][k.Name]
	return n, ok
}

// Diff returns how now differs from before, matched by key: changed and new
// entries in the order of now, then removed ones in the order of before. Both
// are whole statuses as Merge makes them. What was never seen before is no
// difference when it is first seen, under whatever id its provider knows it. An
// entry in state absent that comes or goes is none either: a machine that is
// launched is one event, of its new id. The cost is linear.
func Diff(before, now Status) []Event {
	old, strangers := before.shelf(), before.strangers()
	kept := make([]bool, before.length())
	var events []Event
	for n := range now.length() {
		e, was := now.entry(n), entry{point: Point{State: Absent}, at: before.At}
		if i, ok := old.find(e.key); ok {
			if kept[i] {
				continue
			}
			kept[i] = true
			was = before.entry(i)
		}
		if was.point == e.point || was.point.State == Unknown || was.point.State == Absent && strangers[e.label()] {
			continue
		}
		events = append(events, Event{
			Key: e.key, IP: e.ip, Was: was.point, Is: e.point, At: now.At, Manager: now.Manager, Reason: e.reason,
		}.identify(was.at))
	}
	for n := range before.length() {
		if kept[n] {
			continue
		}
		e := before.entry(n)
		if e.point.State == Absent || e.point.State == Unknown {
			continue
		}
		if first, _ := old.find(e.key); first == n {
			events = append(events, Event{
				Key: e.key, IP: e.ip, Was: e.point, Is: Point{State: Absent}, At: now.At, Manager: now.Manager,
			}.identify(e.at))
		}
	}
	return events
}

// label is the key of an instance by its configured name.
func (e entry) label() Key { return Key{e.key.Cluster, e.key.Kind, e.name} }

// strangers are the instances, by their configured names, that were never seen.
func (s *Status) strangers() map[Key]bool {
	var out map[Key]bool
	for n := range s.Instances {
		if i := &s.Instances[n]; i.State == Unknown && i.Name != "" {
			if out == nil {
				out = map[Key]bool{}
			}
			out[Key{i.Cluster, Instances, i.Name}] = true
		}
	}
	return out
}

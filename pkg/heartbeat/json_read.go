package heartbeat

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"sort"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// UnmarshalJSON reads a document of ours or of the 2012 clmgr. Unknown fields
// are passed over; odd state texts are kept.
func (d *Document) UnmarshalJSON(b []byte) error {
	var w wireDocument
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("cannot read status document: %w", err)
	}
	return d.read(w)
}

func (d *Document) read(w wireDocument) error {
	*d = Document{Events: w.Events}
	d.Manager = w.Manager
	if w.Command != nil {
		d.Command = *w.Command
	}
	d.Command.Level = w.Level
	var r times
	d.At = r.parse(w.Time)
	for _, v := range w.Conditions {
		d.Conditions = append(d.Conditions, Condition{v.Cluster, v.Type, v.Name, v.State, v.Reason})
	}
	d.readHost(w.Host)
	d.readInstances(w.Instances, &r)
	d.readServices(w.Services, &r)
	return r.err
}

func (d *Document) readHost(w *wireHost) {
	if w == nil {
		return
	}
	d.Host.RAM = w.RAM
	for _, group := range w.Interfaces {
		for name, i := range group {
			d.Host.Interfaces = append(d.Host.Interfaces, Interface{name, i.IP, i.State})
		}
	}
	sort.Slice(d.Host.Interfaces, func(i, j int) bool { return d.Host.Interfaces[i].Name < d.Host.Interfaces[j].Name })
}

func (d *Document) readInstances(w *wireInstances, r *times) {
	if w == nil {
		return
	}
	d.Instances = make([]Instance, 0, len(w.Instances))
	for _, one := range w.Instances {
		for id, i := range one {
			d.Instances = append(d.Instances, Instance{
				Cluster: i.Cluster, ID: id, Name: i.Name, IP: r.ip(i.IP), State: i.State, Provider: i.Provider,
				SSH: i.SSH, Reason: i.Reason, Stale: i.Stale, At: r.parse(i.Time), Facts: i.Facts,
			})
		}
	}
	if w.Return == nil {
		return
	}
	for _, one := range w.Return.Clouds {
		for cluster, settings := range one {
			d.Clouds = append(d.Clouds, Cloud{Cluster: cluster, Settings: settings})
		}
	}
	if len(w.Return.Clouds) == 0 && w.Return.Cloud != nil {
		d.Clouds = []Cloud{{Settings: w.Return.Cloud}}
	}
}

func (d *Document) readServices(w *wireServices, r *times) {
	if w == nil {
		return
	}
	d.Services = make([]Service, 0, len(w.Services))
	for _, one := range w.Services {
		for name, v := range one {
			d.Services = append(d.Services, Service{
				Cluster: v.Cluster, Name: name, IP: r.ip(v.IP), Mode: v.Mode, Code: readCode(Services, v.Code),
				State: v.State, Role: v.Status, Configured: v.Configured, Writable: v.Writable, Reason: v.Reason,
				Stale: v.Stale, At: r.parse(v.Time), Facts: v.Facts, VIP: r.ip(v.VIP), HoldsVIP: v.HoldsVIP,
			})
		}
	}
}

// readCode turns a code of a document into ours: a zero is "running" for a
// service and no code at all for what has none.
func readCode(kind Kind, c wireCode) command.Code {
	if c != "0" {
		return command.Code(c)
	}
	if kind == Services {
		return command.OK
	}
	return ""
}

// times reads times and addresses and remembers the first that cannot be read.
type times struct{ err error }

func (r *times) parse(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	r.fail("time", s)
	return time.Time{}
}

func (r *times) ip(s *string) netip.Addr {
	if s == nil || *s == "" {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(*s)
	if err != nil {
		r.fail("ip", *s)
	}
	return ip
}

func (r *times) fail(what, text string) {
	if r.err == nil {
		r.err = fmt.Errorf("cannot read status document: bad %s %q", what, text)
	}
}

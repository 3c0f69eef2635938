package actions

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// subject returns the machine an action waits for: the one it is bound to, else
// the one at the ip; nil if neither is known.
func (j *judge) subject(a *Action) *heartbeat.Instance {
	if a.Instance == "" {
		return j.x.at(a.Cluster, a.When.IP)
	}
	if n, ok := j.x.ids[label{a.Cluster, a.Instance}]; ok {
		return &j.x.status.Instances[n]
	}
	return nil
}

// met tells whether the trigger of a is true. Many actions may wait for the
// same thing: each is looked up once.
func (j *judge) met(a *Action) answer {
	if a.When == (Trigger{}) {
		return answer{ok: true}
	}
	k := triggerKey{a.Cluster, a.Instance, a.When}
	t, known := j.triggers[k]
	if !known {
		if t.reason = j.unmetInstance(a); a.When.Kind == heartbeat.Services {
			t.reason = j.unmetService(a)
		}
		if t.ok = t.reason == ""; !t.ok {
			t.reason = "waits for " + a.When.IP.String() + " to be " + a.When.State + ": " + t.reason
		}
		j.triggers[k] = t
	}
	return t
}

// unmetInstance says why the machine is not in the state, empty if it is.
func (j *judge) unmetInstance(a *Action) string {
	i := j.subject(a)
	switch {
	case i == nil && a.Instance != "":
		return "machine " + a.Instance + " is not known here"
	case i == nil:
		return "no machine is known there"
	case i.Stale && i.State == heartbeat.Unknown:
		return "it was never seen"
	case i.Stale:
		return "it was " + i.State + " when it was last seen, " + clock(i.At)
	case i.State == a.When.State:
		return ""
	}
	return said(i.State, i.Reason) + ", seen " + clock(i.At)
}

// unmetService says why not all services there are in the state, empty if they are.
func (j *judge) unmetService(a *Action) string {
	on := j.x.on[place{a.Cluster, a.When.IP}]
	if len(on) == 0 {
		return "no service is known there"
	}
	for _, n := range on {
		v := &j.x.status.Services[n]
		switch {
		case v.Stale:
			return v.Name + " was " + v.State + " when it was last seen, " + clock(v.At)
		case v.State != a.When.State && v.Code.Text() != a.When.State:
			return v.Name + " is " + said(v.State, v.Reason) + ", seen " + clock(v.At)
		}
	}
	return ""
}

// said puts a state and its reason into one line.
func said(state, reason string) string {
	if reason == "" {
		return state
	}
	return state + " (" + strings.TrimSuffix(reason, ".") + ")"
}

// ParseTrigger reads KIND:IP:STATE; empty text gives the zero Trigger.
// An IPv6 address stands in brackets or as it is: the state has no colon.
func ParseTrigger(s string) (Trigger, error) {
	if s == "" {
		return Trigger{}, nil
	}
	kind, rest, ok := strings.Cut(s, ":")
	n := strings.LastIndexByte(rest, ':')
	if !ok || n < 1 || n == len(rest)-1 {
		return Trigger{}, fmt.Errorf("cannot read trigger %q: want KIND:IP:STATE, as in instances:10.0.0.102:running", s)
	}
	ip, err := netip.ParseAddr(strings.Trim(rest[:n], "[]"))
	if err != nil {
		return Trigger{}, fmt.Errorf("cannot read trigger %q: %q is not an ip", s, rest[:n])
	}
	return Trigger{IP: ip, Kind: heartbeat.Kind(kind), State: rest[n+1:]}, nil
}

// ParseDo reads what is to be done, as LEVEL:ACTION:GROUP.
func ParseDo(s string) (command.Command, error) {
	words := strings.SplitN(s, ":", 3)
	if len(words) != 3 || words[0] == "" || words[1] == "" || words[2] == "" {
		return command.Command{}, fmt.Errorf("cannot read %q: want LEVEL:ACTION:GROUP, as in services:start:node10", s)
	}
	return command.Command{Level: words[0], Action: words[1], Group: words[2]}, nil
}

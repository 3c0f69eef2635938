package actions

import (
	"strings"

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

package peers

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Listing is what was seen of all managers in one go.
type Listing struct {
	Peers   []Listed // by name
	Metrics []Latest // the valid ones of those that run, newest first
}

// Listed is one manager.
type Listed struct {
	Name   string
	State  string // running, failed, or unknown where it never published
	IP     netip.Addr
	Reason string // why it does not run
}

// Latest is the latest value of a metric.
type Latest struct {
	Peer, Name, Value string
	Age, TTL          time.Duration
}

// Sight is what was seen of one manager by somebody who watched it for a moment.
type Sight struct {
	Name    string
	Known   bool          // it has joined
	Report  Report        // the last one; without Life where there is none
	Moved   bool          // a new report came while it was watched
	Ago     time.Duration // since then
	Watched time.Duration // for how long
	Failed  bool          // this machine's own watcher says so
	Problem string        // why there is no report
}

// List makes the listing of what was seen.
func List(seen []Sight) Listing {
	var out Listing
	for _, s := range seen {
		l := Listed{Name: s.Name, State: heartbeat.Running, IP: s.Report.IP}
		switch {
		case s.Moved:
		case !s.Known:
			l.State, l.Reason = heartbeat.Unknown, "it has never published"
		default:
			l.State, l.Reason = Failed, "no new report within "+round(s.Watched).String()
			if s.Failed {
				l.Reason += ", and the daemon here has seen it fail"
			}
			if s.Problem != "" {
				l.Reason += ": " + s.Problem
			}
		}
		out.Peers = append(out.Peers, l)
		if s.Moved {
			out.Metrics = append(out.Metrics, s.latest()...)
		}
	}
	slices.SortFunc(out.Peers, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(out.Metrics, func(a, b Latest) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.Peer, b.Peer))
	})
	return out
}

// latest are the values of its report that are still good.
func (s Sight) latest() []Latest {
	var out []Latest
	for _, m := range s.Report.Metrics {
		if age := m.Age + s.Ago; m.Seq > 0 && age < m.TTL {
			out = append(out, Latest{s.Name, m.Name, m.Value, age, m.TTL})
		}
	}
	return out
}

// Running tells whether all that joined run.
func (l Listing) Running() bool {
	return !slices.ContainsFunc(l.Peers, func(p Listed) bool { return p.State != heartbeat.Running })
}

type wireListed struct {
	IP     netip.Addr `json:"ip,omitzero"`
	Name   string     `json:"name"`
	Reason string     `json:"reason,omitempty"`
	State  string     `json:"state"`
}

type wireLatest struct {
	Age   float64 `json:"age_seconds"`
	Name  string  `json:"name"`
	Peer  string  `json:"peer"`
	TTL   float64 `json:"ttl_seconds"`
	Value string  `json:"value"`
}

// MarshalJSON gives the document {"metrics":[…],"peers":[…]}.
func (l Listing) MarshalJSON() ([]byte, error) {
	doc := struct {
		Metrics []wireLatest `json:"metrics"`
		Peers   []wireListed `json:"peers"`
	}{[]wireLatest{}, []wireListed{}}
	for _, m := range l.Metrics {
		doc.Metrics = append(doc.Metrics, wireLatest{m.Age.Round(millisecondsShown).Seconds(), m.Name, m.Peer, m.TTL.Seconds(), m.Value})
	}
	for _, p := range l.Peers {
		doc.Peers = append(doc.Peers, wireListed{p.IP, p.Name, p.Reason, p.State})
	}
	return json.Marshal(doc)
}

const millisecondsShown = 10 * time.Millisecond

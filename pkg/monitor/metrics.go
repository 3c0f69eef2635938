package monitor

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/store"
)

// Metric is a query that is asked again and again, and what is told of its values.
// Each series of an instant vector is a condition of its own, named after the metric
// and the labels: lag{instance="db1:9104"}. One of Compare and Change is set.
type Metric struct {
	Cluster, Name  string
	Source         Source
	Query          string     // PromQL
	Machine        string     // that it is about; "" for none
	IP             netip.Addr // of that machine
	Every, Timeout time.Duration
	Type           Type
	Label          string // of the series, which holds the value; "" for the series' own
	Compare        Comparison
	Until          Comparison // when it is over; zero for when Compare does not hold
	Change         bool       // the state is the value itself
	For            time.Duration
	Range          Range
	AbsentIsOK     bool          // a series that the answer does not have is ok, not unseen
	Acted          bool          // a change is remembered once it was acted on; see Acknowledge
	Repeat         time.Duration // how soon a change is told again until then
	Severity       string        // of what Compare holds for: the state, and a label
}

// OK is the state of what is as it should be.
const OK = "ok"

// Options are what all watchers of a manager have in common.
type Options struct {
	Manager string
	Store   store.Store // the manager's own
	Tell    Tell
	Mask    func(string) string // takes secrets out of text from elsewhere
}

// WatchMetrics is the loop that asks queries.
func WatchMetrics(o Options, metrics []Metric) *Loop {
	client := newPrometheus()
	l := &Loop{name: "metrics"}
	for _, m := range metrics {
		l.tasks = append(l.tasks, &task{every: m.Every, limit: m.Timeout, look: func(ctx context.Context) take {
			samples, err := client.query(ctx, m.Source, m.Query)
			return func(ctx context.Context, now time.Time) error {
				return m.keeper(o).turn(ctx, "query", now, func(b *book, now time.Time) { m.turn(b, o, samples, err, now) })
			}
		}})
		l.watched = append(l.watched, watching{
			Standing: Standing{Kind: heartbeat.Metrics, Cluster: m.Cluster, Name: m.Name, Machine: m.Machine, Watches: m.Query},
			keeper:   m.keeper(o), good: m.good,
			itself: func(name string) bool { return strings.HasSuffix(name, ofQuery) || strings.HasSuffix(name, ofRange) },
		})
	}
	return l
}

func (m Metric) keeper(o Options) keeper {
	return keeper{store: o.Store, key: metricKey(m.Cluster, m.Name), tell: o.Tell}
}

// metricKey is where the states of a metric are kept.
func metricKey(cluster, name string) string { return "watch/metrics/" + cluster + "/" + name }

// subject is what the metric's events have in common.
func (m Metric) subject(manager string) subject {
	s := subject{cluster: m.Cluster, manager: manager, kind: heartbeat.Metrics, labels: map[string]string{labelWatch: m.Name, labelMachine: m.Machine}}
	if m.Machine != "" {
		s.ip = m.IP
	}
	return s
}

package monitor

import (
	"net/netip"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Labels of events. Those of a series are there beside them; where both have a name,
// ours counts.
const (
	labelWatch    = "watch"    // the name of the metric
	labelMachine  = "machine"  // as the configuration names it
	labelHostname = "hostname" // as the machine names itself
	labelUnit     = "unit"
	labelSeverity = "severity" // info, warning or critical; where a trouble is over, that one's
	labelResolved = "resolved" // true: a trouble that was told is over
	labelInternal = "internal" // true: about the watching, not about what is watched
	labelValue    = "value"
	labelRemember = "remember" // acted: see Acknowledge
	labelRepeated = "repeated" // how many times it was told before
)

// Severities.
const (
	Info     = "info"
	Warning  = "warning"
	Critical = "critical"
)

// subject is what the events of a watcher have in common.
type subject struct {
	cluster, manager string
	kind             heartbeat.Kind
	ip               netip.Addr
	labels           map[string]string
}

// change is one transition of a condition.
type change struct {
	name    string
	was, is string
	reason  string
	labels  map[string]string
}

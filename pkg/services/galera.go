package services

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// galeraDriver probes a node of a Galera cluster: a MariaDB or MySQL server that
// replicates by wsrep.
func galeraDriver() driver {
	return driver{
		info:  ModeInfo{Type: TypeDB, Port: databasePort, Roles: true, Unit: "mariadb"},
		probe: sessionProbe("", (*look).observeGalera),
	}
}

// wsrepQuestion asks how the node stands in its cluster. It is answered also by a node
// without a quorum, which refuses most other statements.
const wsrepQuestion = `SHOW GLOBAL STATUS WHERE Variable_name IN (
	'wsrep_ready', 'wsrep_connected', 'wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_cluster_state_uuid',
	'wsrep_cluster_conf_id', 'wsrep_local_state_comment', 'wsrep_local_recv_queue', 'wsrep_local_send_queue',
	'wsrep_local_cert_failures', 'wsrep_last_committed', 'wsrep_flow_control_paused', 'wsrep_flow_control_sent',
	'wsrep_flow_control_recv', 'wsrep_provider_version')`

// observeGalera looks at the node's place in the cluster first, then at the server
// itself. Every synced node of the primary component that takes writes is a master.
// None is Writable, which is said of a database that replicates from nobody: these
// replicate from each other, and many of them are no conflict.
func (l *look) observeGalera(ctx context.Context) (Observation, error) {
	rows, err := l.ask(ctx, "SHOW GLOBAL STATUS", wsrepQuestion)
	if err != nil {
		return Observation{}, err
	}
	status := make(map[string]string)
	for _, r := range rows {
		status[strings.ToLower(r["Variable_name"])] = r["Value"]
	}
	wsrep := wsrepFacts(status)
	if trouble := wsrepTrouble(status); trouble != "" {
		l.facts = wsrep
		l.facts["version"] = l.wire.greeting.version
		return l.failed(command.SQLFailure, trouble), nil
	}
	seen, err := l.observe(ctx)
	if err != nil { // it may have dropped out of the cluster since the question before
		l.facts = wsrep
		return Observation{}, err
	}
	maps.Copy(l.facts, wsrep)
	return asNode(seen, l.facts), nil
}

// asNode makes the observation of a server that of a synced node: what only its being
// a node tells is its role, where it is not the replica of some server elsewhere.
func asNode(seen Observation, facts map[string]any) Observation {
	seen.Writable = false
	if seen.Role == Slave {
		return seen
	}
	seen.Role = Master
	if readOnly, _ := facts["read_only"].(bool); readOnly {
		seen.Role = Slave
	}
	return seen
}

// wsrepTrouble says why a node does not serve as one, or nothing.
func wsrepTrouble(status map[string]string) string {
	component, state := status["wsrep_cluster_status"], status["wsrep_local_state_comment"]
	switch {
	case status["wsrep_ready"] == "" || component == "":
		return "not a Galera node: the server has no wsrep status"
	case strings.EqualFold(component, "Disconnected"):
		return "the node belongs to no cluster: cluster status Disconnected"
	case !strings.EqualFold(component, "Primary"):
		return fmt.Sprintf("the node is not in the primary component: cluster status %s, size %s", component, status["wsrep_cluster_size"])
	case !strings.EqualFold(state, "Synced"):
		return "the node is not synced: state " + state
	case !on(status["wsrep_ready"]):
		return "the node is not ready for queries"
	}
	return ""
}

// wsrepFacts are the facts of a node: under the server's own names, numbers as numbers.
func wsrepFacts(status map[string]string) map[string]any {
	facts := make(map[string]any)
	for name, value := range status {
		switch name {
		case "wsrep_ready", "wsrep_connected":
			facts[name] = on(value)
		case "wsrep_flow_control_paused":
			if share, err := strconv.ParseFloat(value, 64); err == nil && share >= 0 && share <= 1 {
				facts[name] = share
			}
		case "wsrep_cluster_status", "wsrep_cluster_state_uuid", "wsrep_local_state_comment", "wsrep_provider_version":
			facts[name] = value
		case "wsrep_cluster_size", "wsrep_cluster_conf_id", "wsrep_local_recv_queue", "wsrep_local_send_queue",
			"wsrep_local_cert_failures", "wsrep_last_committed", "wsrep_flow_control_sent", "wsrep_flow_control_recv":
			number(facts, name, value)
		}
	}
	return facts
}

package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// galeraConfig makes a server a node. The short timeouts let a cut be noticed in a
// second or two rather than in ten.
const galeraConfig = `[mariadb]
bind-address = 0.0.0.0
skip-name-resolve
binlog-format = ROW
default-storage-engine = InnoDB
innodb-autoinc-lock-mode = 2
innodb-buffer-pool-size = 16M
wsrep-on = ON
wsrep-provider = /usr/lib/galera/libgalera_smm.so
wsrep-provider-options = "gcache.size=8M;evs.keepalive_period=PT0.2S;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT2S;evs.inactive_check_period=PT0.2S;evs.install_timeout=PT2S"
wsrep-cluster-name = lab
wsrep-cluster-address = gcomm://%s
wsrep-sst-method = rsync
wsrep-node-address = %s
wsrep-node-name = %s
`

// node is a target for the Galera node of the machine.
func node(m *lab.Machine) services.Target { return account(m, "galera", "clmgr", canary) }

// asNode is the condition of a running node of a cluster of so many.
func asNode(size int64) func(services.Observation) bool {
	return func(seen services.Observation) bool {
		return running(seen) && seen.Facts["wsrep_cluster_size"] == size
	}
}

func (b *bench) testGalera(t *testing.T) {
	t.Run("one node", b.testOneNode)
	t.Run("three nodes", b.testThreeNodes)
	t.Run("read only", b.testReadOnlyNode)
	t.Run("desynced", b.testDesynced)
	t.Run("cut", b.testGaleraCut)
	t.Run("no node", b.testNoNode)
}

func (b *bench) startNode(t *testing.T, m *lab.Machine, how string) {
	t.Helper()
	var peers []string
	for _, p := range b.lab.Machines() {
		peers = append(peers, p.IP().String())
	}
	config := fmt.Sprintf(galeraConfig, strings.Join(peers, ","), m.IP(), m.Name())
	run(t, m, "cat > /etc/mysql/mariadb.conf.d/99-galera.cnf && "+how, config)
}

func (b *bench) testOneNode(t *testing.T) {
	b.startNode(t, b.m1, "galera_new_cluster")
	sql(t, b.m1, fmt.Sprintf("CREATE USER clmgr IDENTIFIED BY '%s'; GRANT SLAVE MONITOR ON *.* TO clmgr;", canary))
	seen := eventually(t, node(b.m1), direct(), "a node", asNode(1))
	if seen.Role != services.Master || seen.Writable || seen.Silent {
		t.Errorf("got %+v", seen)
	}
	wantFacts(t, seen, map[string]any{
		"server": "mariadb", "wsrep_ready": true, "wsrep_connected": true, "wsrep_cluster_status": "Primary",
		"wsrep_local_state_comment": "Synced", "server_mismatch": nil,
		"wsrep_cluster_state_uuid": strings.TrimSpace(sql(t, b.m1, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'wsrep_cluster_state_uuid'")),
	})
	for _, name := range []string{"wsrep_local_recv_queue", "wsrep_last_committed", "wsrep_flow_control_sent"} {
		if _, ok := seen.Facts[name].(int64); !ok {
			t.Errorf("fact %s: got %#v", name, seen.Facts[name])
		}
	}
	if _, ok := seen.Facts["wsrep_flow_control_paused"].(float64); !ok {
		t.Errorf("flow control paused: got %#v", seen.Facts["wsrep_flow_control_paused"])
	}
}

func (b *bench) testThreeNodes(t *testing.T) {
	for _, m := range []*lab.Machine{b.m2, b.m3} {
		b.startNode(t, m, "systemctl start mariadb")
	}
	for _, m := range b.lab.Machines() {
		seen := eventually(t, node(m), direct(), "one of three", asNode(3))
		if seen.Role != services.Master || seen.Writable {
			t.Errorf("%s: got %+v", m.Name(), seen)
		}
	}
}

func (b *bench) testReadOnlyNode(t *testing.T) {
	sql(t, b.m2, "SET GLOBAL read_only = 1")
	seen := look(t, node(b.m2), direct(), ample)
	wantSeen(t, seen, command.OK, "")
	if seen.Role != services.Slave {
		t.Errorf("got %+v", seen)
	}
	sql(t, b.m2, "SET GLOBAL read_only = 0")
}

func (b *bench) testDesynced(t *testing.T) {
	sql(t, b.m2, "SET GLOBAL wsrep_desync = 1")
	seen := eventually(t, node(b.m2), direct(), "desynced", func(seen services.Observation) bool { return !running(seen) })
	wantSeen(t, seen, command.SQLFailure, "the node is not synced: state Donor/Desynced")
	sql(t, b.m2, "SET GLOBAL wsrep_desync = 0")
	eventually(t, node(b.m2), direct(), "synced again", asNode(3))
}

// testGaleraCut cuts m1 from the others and leaves all of them within our reach: a real
// partition into one and two.
func (b *bench) testGaleraCut(t *testing.T) {
	undo, err := b.lab.Cut(t.Context(), lab.Cut{From: []string{"m1"}, To: []string{"m2", "m3"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*lab.Machine{b.m2, b.m3} {
		eventually(t, node(m), direct(), "the majority", asNode(2))
	}
	alone := eventually(t, node(b.m1), direct(), "alone", func(seen services.Observation) bool {
		return strings.Contains(seen.Reason, "size 1")
	})
	wantSeen(t, alone, command.SQLFailure, "the node is not in the primary component: cluster status non-Primary, size 1")
	if alone.Role != services.Unknown || alone.Silent || alone.Facts["wsrep_ready"] != false {
		t.Errorf("got %+v", alone)
	}
	if err := undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.lab.Machines() {
		eventually(t, node(m), direct(), "together again", asNode(3))
	}
}

// testNoNode makes single servers of the nodes, which the next subtests want.
func (b *bench) testNoNode(t *testing.T) {
	for _, m := range b.lab.Machines() {
		run(t, m, "systemctl stop mariadb && rm /etc/mysql/mariadb.conf.d/99-galera.cnf", "")
		wantSeen(t, look(t, node(m), direct(), ample), command.DatabaseCommFailure, "connection refused")
		config := fmt.Sprintf("[mariadb]\nbind-address = 0.0.0.0\nskip-name-resolve\nserver-id = %d\n", m.IP().As4()[3])
		run(t, m, "cat > /etc/mysql/mariadb.conf.d/99-single.cnf && systemctl start mariadb", config)
	}
	seen := eventually(t, node(b.m1), direct(), "a server", func(seen services.Observation) bool {
		return seen.Code != command.DatabaseCommFailure
	})
	wantSeen(t, seen, command.SQLFailure, "the node belongs to no cluster: cluster status Disconnected")
}

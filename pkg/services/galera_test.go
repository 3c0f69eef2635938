package services_test

import (
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// wsrep is a node's answer about its place in the cluster.
func wsrep(ready, component, state string) []byte {
	return mysqlRows([]string{"Variable_name", "Value"},
		[]string{"wsrep_ready", ready}, []string{"wsrep_cluster_status", component}, []string{"wsrep_local_state_comment", state},
		[]string{"wsrep_cluster_size", "3"}, []string{"wsrep_flow_control_paused", "0.25"})
}

func TestGaleraStates(t *testing.T) {
	one := mysqlRows([]string{"one", "version", "read_only"}, []string{"1", "10.11.19-MariaDB", "0"})
	noRows, single := mysqlRows([]string{"Variable_name", "Value"}), mysqlRows([]string{"Master_Host"})
	replica := mysqlRows([]string{"Master_Host", "Slave_IO_Running", "Slave_SQL_Running"}, []string{"10.0.0.9", "Yes", "Yes"})
	const failing = command.SQLFailure
	for name, c := range map[string]struct {
		words  [][]byte
		code   command.Code
		reason string
		role   services.Role
	}{
		"synced":       {[][]byte{wsrep("ON", "Primary", "Synced"), one, noRows, single}, command.OK, "", services.Master},
		"a replica":    {[][]byte{wsrep("ON", "Primary", "Synced"), one, noRows, replica}, command.OK, "", services.Slave},
		"donor":        {[][]byte{wsrep("ON", "Primary", "Donor/Desynced")}, failing, "the node is not synced: state Donor/Desynced", ""},
		"joining":      {[][]byte{wsrep("OFF", "Primary", "Joining")}, failing, "the node is not synced: state Joining", ""},
		"minority":     {[][]byte{wsrep("OFF", "non-Primary", "Initialized")}, failing, "not in the primary component: cluster status non-Primary, size 3", ""},
		"alone":        {[][]byte{wsrep("OFF", "Disconnected", "Initialized")}, failing, "belongs to no cluster", ""},
		"not ready":    {[][]byte{wsrep("OFF", "Primary", "Synced")}, failing, "the node is not ready for queries", ""},
		"no node":      {[][]byte{noRows}, failing, "not a Galera node: the server has no wsrep status", ""},
		"refuses":      {[][]byte{mysqlError(1, 1047, "WSREP has not yet prepared node for application use")}, failing, "SHOW GLOBAL STATUS failed: Error 1047", ""},
		"lost quorum":  {[][]byte{wsrep("ON", "Primary", "Synced"), mysqlError(1, 1047, "WSREP has not yet prepared node")}, failing, "SELECT 1 failed: Error 1047", ""},
		"says nothing": {nil, command.DatabaseCommFailure, "no complete answer within 300ms during SHOW GLOBAL STATUS", ""},
		"secret":       {[][]byte{wsrep("ON", "Primary", canary)}, failing, "the node is not synced: state xxx", ""},
		"odd numbers":  {[][]byte{mysqlRows([]string{"Variable_name", "Value"}, []string{"wsrep_flow_control_paused", "NaN"}, []string{"wsrep_cluster_size", "1e9"})}, failing, "not a Galera node", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := database(peer(t, converse(append([][]byte{mysqlLoggedIn()}, c.words...))))
			target.Mode = "galera"
			seen := look(t, target, direct(), short)
			if wantSeen(t, seen, c.code, c.reason); seen.Role != c.role || seen.Writable {
				t.Errorf("got %+v", seen)
			}
			if name == "synced" {
				wantFacts(t, seen, map[string]any{
					"wsrep_ready": true, "wsrep_cluster_size": int64(3), "wsrep_flow_control_paused": 0.25, "read_only": false, "server": "mariadb",
				})
			}
			if name == "odd numbers" && len(seen.Facts) != 1 {
				t.Errorf("facts %v", seen.Facts)
			}
		})
	}
}

func TestProxyAnswers(t *testing.T) {
	columns := []string{"one", "version", "hostname", "server_id"}
	for name, c := range map[string]struct {
		words  [][]byte
		code   command.Code
		reason string
	}{
		"sound":         {[][]byte{mysqlRows(columns, []string{"1", "8.4.0", "db1", "11"})}, command.OK, ""},
		"no such names": {[][]byte{mysqlError(1, 1193, "Unknown system variable"), mysqlRows(columns[:2], []string{"1", "8.4.0"})}, command.OK, ""},
		"another":       {[][]byte{mysqlRows(columns, []string{"2", "8.4.0", "db1", "11"})}, command.DatabaseCommFailure, "the answer is not 1"},
		"refuses":       {[][]byte{mysqlError(1, 9001, "Max connect timeout reached")}, command.SQLFailure, "SELECT 1 failed: Error 9001"},
		"loses it":      {[][]byte{{}}, command.DatabaseCommFailure, "no complete answer within 300ms during SELECT 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := database(peer(t, converse(append([][]byte{mysqlLoggedIn()}, c.words...))))
			target.Mode = "mysql-proxy"
			seen := look(t, target, direct(), short)
			if wantSeen(t, seen, c.code, c.reason); seen.Role != services.NA {
				t.Errorf("got %+v", seen)
			}
			if name == "sound" {
				wantFacts(t, seen, map[string]any{"backend_hostname": "db1", "backend_server_id": int64(11), "backend_version": "8.4.0"})
			}
		})
	}
}

func FuzzGaleraAnswers(f *testing.F) {
	f.Add(wsrep("ON", "Primary", "Synced"))
	f.Add(append(wsrep("ON", "Primary", "Synced"), mysqlRows([]string{"one", "version", "read_only"}, []string{"1", "8.0", "1"})...))
	f.Add(mysqlRows([]string{"Variable_name", "Value"}, []string{"wsrep_ready", ""}, []string{"wsrep_cluster_status", "\xff\n"}))
	f.Fuzz(func(t *testing.T, words []byte) {
		target := database("db:3306")
		target.Mode = "galera"
		seen := look(t, target, script(append(mysqlLoggedIn(), words...)), 10*time.Second)
		if checkDatabaseCode(t, seen); seen.Writable {
			t.Errorf("got %+v", seen)
		}
	})
}

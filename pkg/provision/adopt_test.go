package provision

import (
	"maps"
	"strings"
	"testing"
)

// running are the variables of a server that is as database() has it, on a machine of so
// many KiB.
func running(d MariaDB, memory int64) map[string]string {
	v := map[string]string{"datadir": "/var/lib/mysql/", "log_bin_basename": "/var/lib/mysql/own-bin", "relay_log_basename": "/var/lib/mysql/own-relay"}
	for line := range strings.Lines(d.conf(memory)) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), " = "); is {
			v[strings.ReplaceAll(name, "-", "_")] = value
		}
	}
	maps.Copy(v, map[string]string{"log_bin": "ON", "skip_name_resolve": "ON", "log_slave_updates": "ON", "gtid_strict_mode": "ON", "read_only": "OFF", "relay_log": ""})
	return v
}

func TestAdoptionCompares(t *testing.T) {
	for _, c := range []struct {
		name   string
		change map[string]string
		mem    int
		want   string
		needs  string
	}{
		{"as configured", nil, 0, "", ""},
		{"another id", map[string]string{"server_id": "1"}, 0, "server_id is 1, and becomes 7", ""},
		{"switches", map[string]string{"gtid_strict_mode": "OFF", "read_only": "ON"}, 0, "gtid_strict_mode is OFF, and becomes ON; read_only is ON, and becomes OFF", ""},
		{"another kind of read_only", map[string]string{"read_only": "NO_LOCK"}, 0, "read_only is NO_LOCK, and becomes 0", ""},
		{"numbers that are no switches", map[string]string{"sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2"}, 0, "sync_binlog is 0, and becomes 1; innodb_flush_log_at_trx_commit is 2, and becomes 1", ""},
		{"another format", map[string]string{"binlog_format": "MIXED"}, 0, "binlog_format is MIXED, and becomes ROW", ""},
		{"no binary log", map[string]string{"log_bin": "OFF", "log_bin_basename": ""}, 0, "log_bin is OFF, and becomes ON, by a restart", "log_bin"},
		{"another port", map[string]string{"port": "3307"}, 0, "port is 3307, and becomes 3306, by a restart", "port"},
		{"one address", map[string]string{"bind_address": "127.0.0.1"}, 0, "bind_address is 127.0.0.1, and becomes 0.0.0.0, by a restart", "bind_address"},
		{"all addresses", map[string]string{"bind_address": "*"}, 0, "", ""},
		{"names, and no updates", map[string]string{"skip_name_resolve": "OFF", "log_slave_updates": "OFF"}, 0, "skip_name_resolve is OFF, and becomes ON, by a restart; log_slave_updates is OFF, and becomes ON, by a restart", "skip_name_resolve log_slave_updates"},
		{"a smaller pool", map[string]string{"innodb_buffer_pool_size": "134217728"}, 50, "innodb_buffer_pool_size is 134217728, and becomes 512M", ""},
		{"a pool rounded up", map[string]string{"innodb_buffer_pool_size": "671088640", "innodb_buffer_pool_chunk_size": "134217729"}, 50, "", ""},
		{"a pool at its limit", map[string]string{"innodb_buffer_pool_size": "134217728", "innodb_buffer_pool_size_max": "134217728"}, 50, "innodb_buffer_pool_size is 134217728, and becomes 512M, by a restart", "innodb_buffer_pool_size"},
		{"a pool below its limit", map[string]string{"innodb_buffer_pool_size": "134217728", "innodb_buffer_pool_size_max": "8589934592"}, 50, "innodb_buffer_pool_size is 134217728, and becomes 512M", ""},
	} {
		d := database()
		d.MemPct = c.mem
		s := found(d)
		s.memory, s.ours = 1<<20, false
		v := running(d, s.memory)
		maps.Copy(v, c.change)
		a := d.compare(s, v)
		a.Others = nil
		if got := strings.Join(a.Lines(), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := strings.Join(a.Restart(), " "); got != c.needs {
			t.Errorf("%s needs a restart for %q, want %q", c.name, got, c.needs)
		}
	}
}

// The names of the logs stay: under others a server forgets its history.
func TestAdoptedKeepsLogs(t *testing.T) {
	d := database()
	s := found(d)
	s.ours = false
	a := d.compare(s, running(d, s.memory))
	text := d.confOf(a.seen)
	for _, want := range []string{"\nlog_bin = /var/lib/mysql/own-bin\n", "\nrelay_log = /var/lib/mysql/own-relay\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in %s", want, text)
		}
	}
	// What the mark says is what the next look finds.
	again, err := parseMariaDB("memory 1000000\nours yes\n" + adoptedMark(a.logs))
	if err != nil || d.confOf(again) != text || !again.adopted {
		t.Errorf("%v, and then it is\n%s", err, d.confOf(again))
	}
	if d.confOf(s) != d.conf(s.memory) {
		t.Error("another configuration for what was not adopted")
	}
}

func TestAdoptionStatements(t *testing.T) {
	d := database()
	d.MemPct = 50
	s := found(d)
	s.memory, s.databases = 1<<20, []string{"test", "shop"}
	v := running(d, s.memory)
	maps.Copy(v, map[string]string{"server_id": "1", "log_bin": "OFF", "innodb_buffer_pool_size": "1", "read_only": "ON"})
	a := d.compare(s, v)
	if got, want := a.statements(), "SET GLOBAL server_id = 7;\nSET GLOBAL read_only = 0;\nSET GLOBAL innodb_buffer_pool_size = 536870912;\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := d.accountStatements(a.seen); got != "" {
		t.Errorf("somebody's data are touched: %s", got)
	}
}

func TestParseVariables(t *testing.T) {
	v, follows := parseVariables("variable\tinit_connect\t\nvariable\tserver_id\t77\nvariable\tsql_mode\tA\tB\nfollows 10.0.0.1 3306\n")
	if v["server_id"] != "77" || v["sql_mode"] != "A\tB" || follows != "10.0.0.1:3306" {
		t.Errorf("%q follows %q", v, follows)
	}
	if _, known := v["init_connect"]; !known {
		t.Error("an empty one is unknown")
	}
}

func TestOverridden(t *testing.T) {
	d := database()
	for _, c := range []struct{ out, want string }{
		{"", " "},
		{"later /etc/x.cnf max_connections\nvariable\tlater\tserver_id\n", " "},
		{"later /etc/x.cnf max_connections\nlater /etc/y.cnf server-id\n", "/etc/y.cnf server-id"},
		{"later /etc/my own.cnf skip-log-bin\n", "/etc/my own.cnf skip-log-bin"},
		{"later /etc/x.cnf skip_name_resolve\n", "/etc/x.cnf skip_name_resolve"},
	} {
		if file, name := overridden(d.conf(1<<20), c.out); file+" "+name != c.want {
			t.Errorf("%q: %s %s, want %s", c.out, file, name, c.want)
		}
	}
}

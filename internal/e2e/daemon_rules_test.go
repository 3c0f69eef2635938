package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// scraped is the configuration of a Prometheus that knows its machine.
const scraped = `global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs: [{job_name: node, static_configs: [{targets: ['127.0.0.1:9100']}]}]
`

// seedSite is a machine with units that log, and with a Prometheus; and a daemon elsewhere
// that watches both.
type seedSite struct {
	*site
	*manager
	dir string
}

// TestRulesFromTheSource has a daemon go all the way from what a machine shows to what is
// done there: two lines of a log that each restart their service, a third one that restarts
// another, and a metric whose change is remembered once a script has worked.
func TestRulesFromTheSource(t *testing.T) {
	t.Parallel()
	s := seedSite{site: &site{Lab: labtest.Up(t, lab.Debian12(), "m1")}, dir: t.TempDir()}
	s.on(t, "m1", `printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; export DEBIAN_FRONTEND=noninteractive
		apt-get -q update && apt-get -q -y --no-install-recommends install prometheus prometheus-node-exporter
		cat >/etc/prometheus/prometheus.yml <<'E'`+"\n"+scraped+`E
		printf '[Service]\nExecStart=/bin/sh -c "tail -n 0 -f /run/%%i"\n' >/etc/systemd/system/seed@.service
		touch /run/indexer /run/gateway; systemctl daemon-reload; systemctl start prometheus prometheus-node-exporter seed@indexer seed@gateway`)
	s.metric(t, 0)
	must(t, os.WriteFile(filepath.Join(s.dir, "set"), []byte("#!/bin/sh\ncat >>"+s.dir+"/given\ntest -e "+s.dir+"/works\n"), 0o755))
	restart := func(group string) map[string]any {
		return map[string]any{"command": map[string]any{"action": "restart", "group": group}}
	}
	log := func(name, regexp, state string) map[string]any {
		return map[string]any{"name": name, "instance": "m1", "unit": "seed@" + name, "match": []any{map[string]any{"name": "line", "regexp": regexp, "state": state}}}
	}
	c := s.sample()
	c.Modes["kept"] = map[string]any{"command": map[string]any{"run": "true"}}
	c.Actions = map[string]any{"first_delay": "100ms", "longest_delay": "500ms"}
	c.Daemon = map[string]any{"interval": "1s", "listen": ""}
	c.Clusters["demo"] = &cluster{
		Automatic: true, Instances: c.Clusters["demo"].Instances,
		Services: []service{
			{Name: "indexer-service", Mode: "kept", Instance: "m1", Unit: "seed@indexer"},
			{Name: "gateway-service", Mode: "kept", Instance: "m1", Unit: "seed@gateway"},
		},
		Logs: []map[string]any{log("indexer", "(?i)compacted", "compacted"), log("gateway", `lost (?P<what>database)`, "lost $what")},
		Metrics: []map[string]any{{
			"name": "initial_sync", "url": "http://" + s.ip("m1") + ":9090", "query": "initial_sync", "interval": "1s", "type": "integer",
			"change": true, "remember": "acted", "repeat": "2s",
		}},
	}
	c.Rules = map[string]any{
		"compacted":  map[string]any{"when": map[string]any{"type": "logs", "name": "indexer"}, "min_delay": "1ms", "do": restart("indexer-service")},
		"lost":       map[string]any{"when": map[string]any{"type": "logs", "state": "lost *"}, "min_delay": "1ms", "do": restart("gateway-service")},
		"catches-up": map[string]any{"when": map[string]any{"type": "metrics", "name": "initial_sync*", "state": "1"}, "min_delay": "1ms", "do": map[string]any{"script": map[string]any{"path": s.dir + "/set"}}},
	}
	s.manager = newManager(t, c)
	daemon := s.start("daemon")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(daemon.stderr.String())
		}
	})
	eventually(t, "all is watched", func() bool {
		list := s.run("-o", "table", "watch", "list").stdout
		return strings.Count(list, "watching") == 3
	})
	s.line(t, "indexer", "rev 12 is compacted")
	s.line(t, "indexer", "rev 13 is COMPACTED")
	s.line(t, "gateway", "cannot answer: lost database")
	s.catchesUp(t)
	must(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
	daemon.wait().want(t, 0)
}

// metric has the machine's exporter say so.
func (s seedSite) metric(t *testing.T, value int) {
	t.Helper()
	s.on(t, "m1", fmt.Sprintf("cd /var/lib/prometheus/node-exporter; echo initial_sync %d >sync.new; mv sync.new sync.prom", value))
}

// line has a unit log a line, which has it restarted once.
func (s seedSite) line(t *testing.T, unit, text string) {
	t.Helper()
	invocation := func() string {
		return s.on(t, "m1", "systemctl show --property=InvocationID --value seed@"+unit)
	}
	before := invocation()
	s.on(t, "m1", "echo '"+text+"' >>/run/"+unit)
	eventually(t, unit+" is restarted", func() bool { return invocation() != before })
	after := invocation()
	eventually(t, "the restart is done", func() bool {
		return !strings.Contains(s.run("-o", "table", "actions", "list").stdout, "services:restart")
	})
	time.Sleep(time.Second)
	if now := invocation(); now != after {
		t.Errorf("%s was restarted twice", unit)
	}
}

// catchesUp changes the metric: the script is given the change until it works, and the
// change is told again until then and not any more after that.
func (s seedSite) catchesUp(t *testing.T) {
	t.Helper()
	given := func() int {
		text, err := os.ReadFile(filepath.Join(s.dir, "given"))
		if err != nil {
			return 0
		}
		return strings.Count(string(text), `"state":"1"`)
	}
	s.metric(t, 1)
	eventually(t, "the script is given the change, and fails", func() bool { return given() > 1 })
	must(t, os.WriteFile(filepath.Join(s.dir, "works"), nil, 0o600))
	told := func() int {
		n := 0
		for _, e := range s.log() {
			if e.Type == "metrics" && e.State == "1" {
				n++
			}
		}
		return n
	}
	var before int
	eventually(t, "the change is told no more", func() bool {
		before = told()
		time.Sleep(3 * time.Second) // it was every 2
		return told() == before
	})
	runs := given()
	time.Sleep(3 * time.Second)
	if now := given(); now != runs || told() != before {
		t.Errorf("the script ran %d times, then %d; told %d times, then %d", runs, now, before, told())
	}
}

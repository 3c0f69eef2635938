package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/command"
)

// startConfig is a cluster of two databases and a balancer with a virtual address.
const startConfig = `
state_dir: %s
heartbeat: {deadline: 60s}
ssh: {user: root, keys: [%s], known_hosts: [%s], agent: false, config_file: none}
clusters:
  c:
    database: {user: clmgr, password: database}
    replication: {user: copies, password: copies}
    instances: [%s]
    services:
      - {name: db1, mode: mariadb, instance: m1, role: master, managed: true}
      - {name: db2, mode: mariadb, instance: m2, role: slave, managed: true}
      - {name: lb3, mode: haproxy, instance: m3, managed: true}
      - {name: vip3, mode: keepalived, instance: m3, vip: %s, managed: true}
      - {name: cache3, mode: memcache, instance: m3, managed: true}
`

// BenchmarkStartAll is a start of everything in a cluster in which all of it runs, against
// a heartbeat. Promised is a ratio below 1.5.
func BenchmarkStartAll(b *testing.B) {
	l := labtest.Up(b, lab.Debian12(), "m1", "m2", "m3")
	var machines []string
	for _, m := range l.Machines() {
		machines = append(machines, fmt.Sprintf("{name: %s, ip: %s}", m.Name(), m.IP()))
	}
	do := beats(b, fmt.Sprintf(startConfig, filepath.Join(b.TempDir(), "state"), l.KeyFile(), l.KnownHosts(), strings.Join(machines, ", "), l.VIP()))
	start := command.Command{Level: "services", Action: "start", Group: "all"}
	wait := start
	wait.Wait = true
	mustRun(b, do(wait))
	duel(b, func() { mustRun(b, do(start)) }, func() { mustRun(b, do(command.Command{Level: "instances", Action: "heartbeat"})) })
}

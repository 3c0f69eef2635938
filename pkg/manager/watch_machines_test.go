package manager

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor"
)

// watched is a manager of the clusters.
func watched(t *testing.T, clusters string) *Manager {
	t.Helper()
	dir := t.TempDir()
	return managerOf(t, dir, "state_dir: "+dir+"\nmanager: mgr1\nclusters:\n"+clusters)
}

// What is watched where is what the configuration says.
func TestWhatIsWatched(t *testing.T) {
	m := watched(t, `
  none: {instances: [{name: a, ip: 10.0.0.1}]}
  demo:
    instances: [{name: db1, ip: 10.0.0.1}, {name: db2, ip: 10.0.0.2}, {name: off, ip: 10.0.0.3, state: stopped}]
    services:
      - {name: node1, mode: mariadb, instance: db1}
      - {name: node2, mode: mariadb, instance: db1, port: 3307, unit: mariadb@two.service}
    metrics:
      - {name: lag, url: 'http://h', query: max(lag), compare: "> 30", until: "< 10", range: 0.., instance: db2, absent: ok}
    units: {watch: [{unit: cron}, {unit: mariadb.service, severity: info, instances: [db1]}]}
    host: {instances: [db2], memory: 80/90, swap: none, mounts: [{path: /data, disk: 60/70}]}
`)
	loops, err := m.machineLoops()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"metrics 1", "units 2", "hosts 1"} {
		if got := fmt.Sprint(loops[n].Name(), " ", loops[n].Len()); got != want {
			t.Errorf("%s, wanted %s", got, want)
		}
	}
	c := m.cfg.Cluster("demo")
	units, some := unitsOf(c, monitor.Machine{Name: "db1"})
	if got := fmt.Sprint(units.Units); !some || got != "[{cron.service critical} {mariadb.service info} {mariadb@two.service critical}]" {
		t.Errorf("%s", got)
	}
	host, _, err := hostOf(c, monitor.Machine{Name: "db2"})
	if err != nil || host.Memory != (monitor.Limits{Warning: 80, Critical: 90}) || host.Swap != (monitor.Limits{}) || host.Load != (monitor.Limits{Warning: 300, Critical: 600}) ||
		host.Mounts[0].Blocks.Warning != 60 || host.Mounts[0].Inodes.Critical != 95 || host.Clear != 5 {
		t.Errorf("%+v, %v", host, err)
	}
	metrics, err := metricsOf(c)
	if err != nil || metrics[0].IP != netip.MustParseAddr("10.0.0.2") || !metrics[0].AbsentIsOK || !metrics[0].Range.Set || metrics[0].Every != 30*time.Second {
		t.Errorf("%+v, %v", metrics, err)
	}
	if loops, err := watched(t, "  none: {instances: [{name: a, ip: 10.0.0.1}]}\n").machineLoops(); err != nil || len(loops) != 0 {
		t.Errorf("%v, %v", loops, err)
	}
}

// This machine is looked at without SSH, and what is seen there comes into the event log.
func TestThisMachineIsWatched(t *testing.T) {
	m := watched(t, `
  demo:
    instances: [{name: here, ip: 127.0.0.1}]
    host: {disk: none, inodes: none, ramdisk: none, memory: none, swap: none, load: none, mounts: [{path: /no/such, disk: 1/2}]}
`)
	loops, err := m.machineLoops()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			for e, err := range m.Events(ctx, EventFilter{Type: string(heartbeat.Hosts)}, true) {
				if err == nil && strings.Contains(e.String(), "host here/disk:/no/such (127.0.0.1): ok → absent: nothing is mounted there") {
					cancel()
				}
			}
		}
	}()
	if err := loops[0].Run(ctx, func() {}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("nothing was told in a minute")
	}
}

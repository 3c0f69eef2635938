package e2e_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/clmgr/clmgr/internal/lab"
)

// TestFromNothing takes a cluster that is only a configuration to a primary with two
// replicas and a memcached, on machines that are launched for it. Who asked goes away in
// the middle; heartbeats of two managers carry it on, over a memcached that forgets.
func TestFromNothing(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	shared := newMemcached(t, "127.0.0.1")
	conf := func(name string) conf {
		c := r.machines(t, "1ms")
		c.Manager = name
		c.Actions = map[string]any{"lease": "5s", "time": "30s", "first_delay": "1s", "longest_delay": "2s"}
		c.shares(shared)
		c.Modes = nil
		demo := c.Clusters["demo"]
		demo.Cloud["template"] = "ami-debian12"
		demo.Database = map[string]any{"user": "clmgr", "password": "canary-of-the-database"}
		demo.Replication = map[string]any{"user": "copies", "password": "canary-of-the-copies"}
		demo.Instances = append(demo.Instances, instance{Name: "m3", IP: r.net + "23"})
		demo.Services = []service{
			{Name: "db3", Mode: "mariadb", Instance: "m3", Role: "slave", Managed: true},
			{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
			{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
			{Name: "cache1", Mode: "memcache", Instance: "m1", Managed: true},
		}
		return c
	}
	one, two := newManager(t, conf("one")), newManager(t, conf("two"))

	const all = "launch due, bootstrap_binaries waits, install waits, "
	got := plans(t, one.run("-o", "json", "services", "start", "all", "--dry-run").want(t, 0).stdout)
	if got["db1"] != all+"start waits" || got["db3"] != all+"replicate waits, start waits" {
		t.Errorf("from nothing: %v", got)
	}
	if n := r.api.Calls().Actions["RunInstances"]; n != 0 {
		t.Errorf("a dry run launched %d machines", n)
	}

	p := one.start("services", "start", "all", "--wait")
	eventually(t, "a launch", func() bool { return r.api.Calls().Actions["RunInstances"] > 0 })
	must(t, p.cmd.Process.Signal(syscall.SIGINT))
	if a := p.wait(); a.code != 130 || !strings.Contains(a.stderr, "the heartbeats carry them on") {
		t.Errorf("interrupted: %d %s", a.code, a.stderr)
	}
	shared.Say("flush_all\r\n", "OK")

	end := time.Now().Add(4 * time.Minute)
	for n := 0; ; n++ {
		m := []*manager{one, two}[n%2]
		var d struct {
			Queue struct{ Failed, Running, Waiting int }
		}
		a := m.run("-o", "json", "instances", "heartbeat")
		must(t, json.Unmarshal([]byte(a.stdout), &d))
		if d.Queue.Failed > 0 || time.Now().After(end) {
			t.Fatalf("the queue holds %+v\n%s", d.Queue, m.run("-o", "table", "actions", "list").stdout)
		}
		if a.code == 0 && d.Queue.Running+d.Queue.Waiting == 0 {
			break
		}
	}

	out, err := r.bare.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	must(t, err)
	if n := len(out.Reservations); n != 3 {
		t.Errorf("%d machines were launched", n)
	}
	d := two.heartbeat(0)
	for name, role := range map[string]string{"db1": "master", "db2": "slave", "db3": "slave", "cache1": "na"} {
		if e := d.service(t, name); e.Code != "000000" || e.Status != role {
			t.Errorf("%s: %+v", name, e)
		}
	}
	l, err := lab.Open(r.Name())
	must(t, err)
	s := &site{Lab: l}
	s.sql(t, "m1", "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (7)")
	for _, replica := range []string{"m2", "m3"} {
		eventually(t, "the order on "+replica, func() bool {
			return s.sql(t, replica, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'") == "1" &&
				s.sql(t, replica, "SELECT COUNT(*) FROM shop.orders") == "1"
		})
	}
	before := s.everything(t)
	two.run("services", "start", "all", "--wait").want(t, 0)
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}
}

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
// replicas, and two balancers with one address and memcached, on machines that are launched
// for it. Who asked goes away in
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
		demo.Instances = append(demo.Instances, instance{Name: "m3", IP: r.net + "23"}, instance{Name: "m4", IP: r.net + "24"}, instance{Name: "m5", IP: r.net + "25"})
		demo.Services = []service{
			{Name: "db3", Mode: "mariadb", Instance: "m3", Role: "slave", Managed: true},
			{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
			{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
			{Name: "cache4", Mode: "memcache", Instance: "m4", Managed: true},
			{Name: "cache5", Mode: "memcache", Instance: "m5", Managed: true},
			{Name: "lb4", Mode: "haproxy", Instance: "m4", Managed: true},
			{Name: "lb5", Mode: "haproxy", Instance: "m5", Managed: true},
			{Name: "vip4", Mode: "keepalived", Instance: "m4", VIP: r.VIP().String(), Managed: true},
			{Name: "vip5", Mode: "keepalived", Instance: "m5", VIP: r.VIP().String(), Managed: true},
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
	if n := len(out.Reservations); n != 5 {
		t.Errorf("%d machines were launched", n)
	}
	d := two.heartbeat(0)
	for name, role := range map[string]string{"db1": "master", "db2": "slave", "db3": "slave", "cache4": "na", "lb5": "na"} {
		if e := d.service(t, name); e.Code != "000000" || e.Status != role {
			t.Errorf("%s: %+v", name, e)
		}
	}
	l, err := lab.Open(r.Name())
	must(t, err)
	s := &site{Lab: l}
	b := &balanced{site: s}
	b.shop(t)
	writes, reads := b.client(t, 3307), b.client(t, 3308)
	// The network of a cloud leads an address nowhere but where its API says.
	eventually(t, "a write through the address", func() bool {
		two.run("instances", "heartbeat")
		return writes.write(t.Context()) == nil
	})
	eventually(t, "the row through the address", func() bool { return reads.one(t.Context(), "SELECT COUNT(*) FROM orders") == "1" })
	if n := r.api.Calls().Actions["AssignPrivateIpAddresses"]; n == 0 {
		t.Error("nobody had the API lead the address")
	}
	for _, replica := range []string{"m2", "m3"} {
		eventually(t, "the order on "+replica, func() bool { return s.sql(t, replica, "SELECT COUNT(*) FROM shop.orders") == "1" })
	}
	before := s.everything(t)
	two.run("services", "start", "all", "--wait").want(t, 0)
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}

	holder, next := "m4", "m5"
	if d := two.heartbeat(0); d.service(t, "vip5").Status == "master" {
		holder, next = next, holder
	}
	guard := "vip" + next[1:]
	two.run("hold", guard, "--reason", "its balancer is looked at").want(t, 0)
	s.signal(t, holder, "haproxy", "STOP")
	eventually(t, "the address on "+next, func() bool { return strings.Contains(s.on(t, next, "ip -o addr"), " "+r.VIP().String()+"/") })
	led := r.api.Calls().Actions["AssignPrivateIpAddresses"]
	if d := one.heartbeat(3); d.service(t, guard).Status != "master" || r.api.Calls().Actions["AssignPrivateIpAddresses"] != led {
		t.Errorf("%s is held: it is %+v, and the API was asked %d times", guard, d.service(t, guard), r.api.Calls().Actions["AssignPrivateIpAddresses"]-led)
	}
	two.run("release", guard).want(t, 0)
	// A heartbeat waits a while for the balancer that says nothing.
	for end := time.Now().Add(atLast); ; time.Sleep(glance) {
		a := one.run("instances", "heartbeat")
		if err := writes.write(t.Context()); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the address has not moved: %v; %d %s", err, a.code, a.stderr)
		}
	}
	if n := strings.Count(s.on(t, "m4", "ip -o addr")+s.on(t, "m5", "ip -o addr"), " "+r.VIP().String()+"/"); n != 1 {
		t.Errorf("%d machines have the address", n)
	}
}

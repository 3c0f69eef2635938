package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab"
)

// TestProvisionKilled goes from nothing to databases and a balancer with clmgr killed
// twenty times at random moments on the way. The end is the same as if nobody had been.
func TestProvisionKilled(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	c := r.machines(t, "1ms")
	c.Modes = nil
	// A kill counts as a try of what was at work.
	c.Actions = map[string]any{"lease": "1s", "time": "30s", "first_delay": "200ms", "longest_delay": "1s", "tries": 100}
	demo := c.Clusters["demo"]
	demo.Cloud["template"] = "ami-debian12"
	demo.Database = map[string]any{"user": "clmgr", "password": "canary-of-the-database"}
	demo.Replication = map[string]any{"user": "copies", "password": "canary-of-the-copies"}
	demo.Instances = append(demo.Instances, instance{Name: "m3", IP: r.net + "23"})
	demo.Services = []service{
		{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
		{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
		{Name: "lb3", Mode: "haproxy", Instance: "m3", Managed: true},
		{Name: "cache3", Mode: "memcache", Instance: "m3", Managed: true},
	}
	m := newManager(t, c)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // moments, no secrets

	kills := 0
	for args := []string{"services", "start", "all"}; kills < 20; {
		p := m.start(args...)
		time.Sleep(time.Duration(50+dice.IntN(1500)) * time.Millisecond)
		_ = p.cmd.Process.Kill() // it may be over
		if p.wait().code == -1 {
			kills++
		}
		// What was asked for is in the queue or not, and asking again joins it.
		args = [][]string{{"services", "start", "all"}, {"instances", "heartbeat"}}[dice.IntN(2)]
	}
	m.run("services", "start", "all")
	for end := time.Now().Add(3 * time.Minute); ; {
		a := m.run("-o", "json", "instances", "heartbeat")
		var d struct {
			Queue struct{ Failed, Running, Waiting int }
		}
		must(t, json.Unmarshal([]byte(a.stdout), &d))
		if a.code == 0 && d.Queue.Failed+d.Queue.Running+d.Queue.Waiting == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the queue holds %+v\n%s", d.Queue, m.run("-o", "table", "actions", "list").stdout)
		}
	}

	out, err := r.bare.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	must(t, err)
	if n := len(out.Reservations); n != 3 {
		t.Errorf("%d machines were launched", n)
	}
	l, err := lab.Open(r.Name())
	must(t, err)
	s := &site{Lab: l}
	for _, machine := range []string{"m1", "m2", "m3"} {
		if got := s.on(t, machine, `find / -xdev \( -name '*.clmgr-*' -o -name '*clmgr-part*' -o -name '*clmgr-ready*' -o -path /usr/sbin/policy-rc.d \) -not -path '/proc/*'
systemctl list-units --all --no-legend --plain 'clmgr-*' | grep -v clmgr-health || true; dpkg --audit`); got != "" {
			t.Errorf("left behind on %s: %s", machine, got)
		}
	}
	for machine, packages := range map[string]string{"m1": "mariadb-server", "m2": "mariadb-server", "m3": "haproxy memcached"} {
		for name := range strings.FieldsSeq(packages) {
			if got := s.on(t, machine, "grep -c ' install "+name+":' /var/log/dpkg.log"); got != "1" {
				t.Errorf("%s: %s was installed %s times", machine, name, got)
			}
		}
	}
	b := &balanced{site: s}
	b.shop(t)
	eventually(t, "the table on the replica", func() bool {
		return s.sql(t, "m2", "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'") == "1"
	})
	before := s.everything(t)
	m.run("services", "start", "all", "--wait").want(t, 0)
	if after := s.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}
}

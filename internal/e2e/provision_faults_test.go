package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// brokenApt fails twice, and is then away.
const brokenApt = `#!/bin/sh
case "$*" in *-s*) exec /usr/bin/apt-get "$@";; esac
echo x >>/root/tries
if [ $(wc -l </root/tries) = 2 ]; then rm /usr/local/bin/apt-get; fi
echo 'E: the mirror is on fire' >&2
exit 100
`

// givenUp is an action that is parked as failed.
type givenUp struct {
	ID     string `json:"id"`
	Action string `json:"do_action"`
	Group  string `json:"do_group"`
	Reason string `json:"reason"`
}

// givenUp lists the actions that are parked as failed.
func (m *manager) givenUp() []givenUp {
	m.t.Helper()
	var out struct{ Actions []givenUp }
	must(m.t, json.Unmarshal([]byte(m.run("-o", "json", "actions", "list", "--state", "failed").want(m.t, 0).stdout), &out))
	return out.Actions
}

// TestInstanceStuck launches a machine that never comes to run: what waits for it is given
// up with its reason, the service of another machine is started meanwhile, and a retry
// finishes it once the provider has healed, with the machine that was launched.
func TestInstanceStuck(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	c := r.machines(t, "1ms")
	c.Modes = map[string]any{"kept": map[string]any{"command": map[string]any{"run": "systemctl is-active memcached"}}}
	c.Actions = map[string]any{"lease": "5s", "time": "30s", "first_delay": "500ms", "longest_delay": "2s", "expires": "1m"}
	c.Clusters["demo"].Services = []service{
		{Name: "cache1", Mode: "kept", Instance: "m1", Unit: "memcached"}, {Name: "cache2", Mode: "kept", Instance: "m2", Unit: "memcached"},
	}
	m := newManager(t, c)
	m.run("instances", "launch", "m2", "--wait").want(t, 0)
	must(t, r.api.SetFaults(ec2.Faults{StuckPending: true}))
	m.run("services", "start", "cache1").want(t, 4)
	m.run("services", "start", "cache2", "--wait").want(t, 0)
	for end := time.Now().Add(3 * time.Minute); len(m.givenUp()) == 0; m.run("instances", "heartbeat") {
		if time.Now().After(end) {
			t.Fatalf("nothing is given up:\n%s", m.run("-o", "table", "actions", "list").stdout)
		}
	}
	for _, f := range m.givenUp() {
		if f.Group != "cache1" && f.Group != "m1" || !strings.Contains(f.Reason, "pending") {
			t.Errorf("given up: %+v", f)
		}
	}
	if e := m.heartbeat(3).service(t, "cache2"); e.Code != "000000" {
		t.Errorf("cache2: %+v", e)
	}
	must(t, r.api.SetFaults(ec2.Faults{}))
	for _, f := range m.givenUp() {
		m.run("actions", "retry", f.ID).want(t, 0)
	}
	eventually(t, "all of it", func() bool { return m.run("instances", "heartbeat").code == 0 })
	out, err := r.bare.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	must(t, err)
	if n := len(out.Reservations); n != 2 {
		t.Errorf("%d machines were launched", n)
	}
}

// TestProvisionFaults starts services while the provider throttles, fails and loses
// answers, apt fails, and a machine never answers over SSH. That one is given up with its
// reason, the others are finished, and a retry finishes it too.
func TestProvisionFaults(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	c := r.machines(t, "1ms")
	c.Modes = nil
	c.Actions = map[string]any{"lease": "5s", "time": "30s", "first_delay": "500ms", "longest_delay": "2s", "expires": "90s"}
	demo := c.Clusters["demo"]
	demo.Cloud["template"] = "ami-debian12"
	demo.Instances = append(demo.Instances, instance{Name: "m3", IP: r.net + "23"})
	demo.Services = []service{
		{Name: "cache1", Mode: "memcache", Instance: "m1", Managed: true},
		{Name: "cache2", Mode: "memcache", Instance: "m2", Managed: true},
		{Name: "cache3", Mode: "memcache", Instance: "m3", Managed: true},
	}
	m := newManager(t, c)
	for _, name := range []string{"m2", "m3"} {
		m.run("instances", "launch", name, "--wait").want(t, 0)
	}
	l, err := lab.Open(r.Name())
	must(t, err)
	s := &site{Lab: l}
	must(t, s.Machine("m2").Write(t.Context(), "/usr/local/bin/apt-get", 0o755, strings.NewReader(brokenApt)))
	heal := s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m3"}})
	must(t, r.api.SetFaults(ec2.Faults{Seed: 7, Rules: []ec2.Fault{
		{Actions: []string{"RunInstances"}, Effect: ec2.Lost, Times: 1},
		{Effect: ec2.Refused, Share: 0.3},
		{Effect: ec2.Broken, Share: 0.15},
	}}))

	if a := m.run("services", "start", "all"); a.code != 1 || !strings.Contains(a.stderr, "E: the mirror is on fire; the heartbeats try ") {
		t.Errorf("%d %s", a.code, a.stderr)
	}
	for end := time.Now().Add(4 * time.Minute); len(m.givenUp()) < 3; m.run("instances", "heartbeat") {
		if time.Now().After(end) {
			t.Fatalf("given up are %+v\n%s", m.givenUp(), m.run("-o", "table", "actions", "list").stdout)
		}
	}
	for _, f := range m.givenUp() {
		if f.Group != "cache3" || !strings.Contains(f.Reason, "it waited until ") || !strings.Contains(f.Reason, "over SSH: nothing answers") {
			t.Errorf("given up: %+v", f)
		}
	}
	if got := s.on(t, "m2", "cat /root/tries | xargs"); got != "x x" {
		t.Errorf("apt was tried by the broken one: %s", got)
	}
	must(t, r.api.SetFaults(ec2.Faults{}))
	d := m.heartbeat(3)
	for _, name := range []string{"cache1", "cache2"} {
		if e := d.service(t, name); e.Code != "000000" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	heal()
	for _, f := range m.givenUp() {
		m.run("actions", "retry", f.ID).want(t, 0)
	}
	eventually(t, "all of it", func() bool { return m.run("instances", "heartbeat").code == 0 })
	out, err := r.bare.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	must(t, err)
	if n := len(out.Reservations); n != 3 {
		t.Errorf("%d machines were launched", n)
	}
}

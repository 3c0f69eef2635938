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

// TestProvisionFaults starts services while the provider throttles, fails and loses
// answers, apt fails, and a machine never answers over SSH. That one is given up with its
// reason, the others are finished, and a retry finishes it too.
func TestProvisionFaults(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	c := r.machines(t, "1ms")
	c.Modes = nil
	c.Actions = map[string]any{"lease": "5s", "time": "30s", "first_delay": "500ms", "longest_delay": "2s", "expires": "1m"}
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
	type listed struct {
		Actions []struct {
			ID     string `json:"id"`
			Action string `json:"do_action"`
			Group  string `json:"do_group"`
			State  string `json:"state"`
			Reason string `json:"reason"`
		}
	}
	failed := func() (out listed) {
		must(t, json.Unmarshal([]byte(m.run("-o", "json", "actions", "list", "--state", "failed").want(t, 0).stdout), &out))
		return out
	}
	for end := time.Now().Add(2 * time.Minute); len(failed().Actions) < 3; m.run("instances", "heartbeat") {
		if time.Now().After(end) {
			t.Fatalf("given up are %+v\n%s", failed(), m.run("-o", "table", "actions", "list").stdout)
		}
	}
	for _, f := range failed().Actions {
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
	for _, f := range failed().Actions {
		m.run("actions", "retry", f.ID).want(t, 0)
	}
	eventually(t, "all of it", func() bool { return m.run("instances", "heartbeat").code == 0 })
	out, err := r.bare.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{})
	must(t, err)
	if n := len(out.Reservations); n != 3 {
		t.Errorf("%d machines were launched", n)
	}
}

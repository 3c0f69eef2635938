package collect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// Running needs the provider and SSH; where they disagree the reason says how.
func TestJudge(t *testing.T) {
	ok := heartbeat.Instance{State: heartbeat.Running, SSH: "ok", Sight: heartbeat.Seen}
	silent := heartbeat.Instance{State: heartbeat.Unreachable, SSH: "silent", Sight: heartbeat.Silent, Reason: "nothing answered"}
	auth := heartbeat.Instance{State: heartbeat.Pending, SSH: "auth", Sight: heartbeat.Seen, Reason: "not accepted"}
	for _, tt := range []struct {
		provider string
		ssh      heartbeat.Instance
		state    string
		sight    heartbeat.Sight
		reason   string
	}{
		{"", ok, "running", heartbeat.Seen, ""},
		{"", silent, "unreachable", heartbeat.Silent, "nothing answered"},
		{"running", ok, "running", heartbeat.Seen, ""},
		{"running", silent, "pending", heartbeat.Silent, "the provider says running, but over SSH: nothing answered"},
		{"running", auth, "pending", heartbeat.Seen, "the provider says running, but over SSH: not accepted"},
		{"pending", silent, "pending", heartbeat.Told, "why"},
		{"pending", ok, "pending", heartbeat.Seen, ""},
		{"stopped", silent, "stopped", heartbeat.Told, "why"},
		{"stopped", ok, "stopped", heartbeat.Seen, "the provider says stopped, but SSH answers"},
		{"shutting-down", ok, "shutting-down", heartbeat.Seen, "the provider says shutting-down, but SSH answers"},
	} {
		got := judge(cloud.Instance{State: tt.provider, Reason: "why"}, tt.ssh)
		if got.State != tt.state || got.Sight != tt.sight || got.Reason != tt.reason || got.SSH != tt.ssh.SSH {
			t.Errorf("%q and %s is %+v, want %+v", tt.provider, tt.ssh.SSH, got, tt)
		}
	}
}

func TestPoweredOff(t *testing.T) {
	list := cloud.Listing{}
	for n, i := range []cloud.Instance{
		{State: "running"}, {State: "stopped"}, {State: "absent"}, {State: "stopped", Stale: true}, {State: "stopping"}, {},
	} {
		i.IP = addr("10.0.0.1")
		for range n {
			i.IP = i.IP.Next()
		}
		list.Instances = append(list.Instances, i)
	}
	got := map[string]string{}
	for ip, why := range poweredOff(list) {
		got[ip.String()] = why
	}
	if diff := cmp.Diff(map[string]string{"10.0.0.2": "its machine is stopped", "10.0.0.3": "its machine is not launched"}, got); diff != "" {
		t.Error(diff)
	}
}

// What the provider did not tell of is blind, and says since when.
func TestStale(t *testing.T) {
	seen := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	got := stale(heartbeat.Instance{ID: "i-1", Provider: "running"}, cloud.Instance{Stale: true, Reason: "throttled", Seen: seen})
	if got.Sight != heartbeat.Blind || got.Reason != "throttled; last listed 2026-01-02T03:04:05Z" || got.Provider != "" {
		t.Errorf("%+v", got)
	}
}

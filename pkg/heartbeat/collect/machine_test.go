package collect

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
)

func TestReach(t *testing.T) {
	for stage, want := range map[remote.Stage]struct {
		state string
		sight heartbeat.Sight
	}{
		remote.StageRoute:   {heartbeat.Unreachable, heartbeat.Silent},
		remote.StageSilent:  {heartbeat.Unreachable, heartbeat.Silent},
		remote.StageRefused: {heartbeat.Unreachable, heartbeat.Seen},
		remote.StageBanner:  {heartbeat.Pending, heartbeat.Seen},
		remote.StageHostKey: {heartbeat.Pending, heartbeat.Seen},
		remote.StageAuth:    {heartbeat.Pending, heartbeat.Seen},
		remote.StageSession: {heartbeat.Pending, heartbeat.Seen},
		remote.StageLost:    {heartbeat.Pending, heartbeat.Seen},
	} {
		err := error(&remote.Error{Stage: stage, Machine: "m1", Err: errors.New("cause")})
		state, sight, reason := reach(err)
		if state != want.state || sight != want.sight || reason == "" {
			t.Errorf("%s is %s, sight %d, reason %q", stage, state, sight, reason)
		}
	}
	if state, sight, reason := reach(nil); state != heartbeat.Running || sight != heartbeat.Seen || reason != "" {
		t.Errorf("logged in is %s, %d, %q", state, sight, reason)
	}
}

const answer = `0.52 0.58 0.59 1/467 30211
12345.67 45678.90
MemTotal:        2048000 kB
MemAvailable:    1024000 kB
/dev/vda1       20511312 9251472  10194604      48% /
`

func TestParseFacts(t *testing.T) {
	want := map[string]any{
		"load_1m": 0.52, "uptime_seconds": int64(12345), "mem_total_mib": int64(2000), "mem_available_mib": int64(1000),
		"disk_root_used_percent": int64(48),
	}
	if diff := cmp.Diff(want, parseFacts([]byte(answer))); diff != "" {
		t.Error(diff)
	}
	if got := parseFacts([]byte("sh: cat: not found\n")); len(got) != 0 {
		t.Errorf("made up %v", got)
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add([]byte(answer))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, v := range parseFacts(b) {
			switch v.(type) {
			case int64, float64:
			default:
				t.Errorf("%s is a %T", name, v)
			}
		}
	})
}

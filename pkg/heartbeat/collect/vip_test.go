package collect

import (
	"net/netip"
	"testing"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func TestDoubtful(t *testing.T) {
	yes, no := true, false
	guard := func(vip, ip string, holds *bool) heartbeat.Service {
		return heartbeat.Service{VIP: addr(vip), IP: addr(ip), HoldsVIP: holds}
	}
	for name, c := range map[string]struct {
		seen []heartbeat.Service
		want bool
	}{
		"one":             {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &yes), guard("10.0.0.9", "10.0.0.2", &no)}, false},
		"nobody":          {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &no), guard("10.0.0.9", "10.0.0.2", &no)}, true},
		"two":             {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &yes), guard("10.0.0.9", "10.0.0.2", &yes)}, true},
		"one seen":        {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &yes), guard("10.0.0.9", "10.0.0.2", nil)}, false},
		"none seen":       {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", nil)}, false},
		"on one machine":  {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &yes), guard("10.0.0.9", "10.0.0.1", &yes)}, false},
		"another address": {[]heartbeat.Service{guard("10.0.0.9", "10.0.0.1", &yes), guard("10.0.0.8", "10.0.0.2", &yes)}, false},
		"no guard":        {[]heartbeat.Service{{IP: addr("10.0.0.1"), HoldsVIP: &no}}, false},
	} {
		if got := doubtful(c.seen)[netip.MustParseAddr("10.0.0.9")]; got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

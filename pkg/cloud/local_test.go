package cloud_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/cloud/cloudtest"
)

func TestLocal(t *testing.T) {
	cloudtest.Run(t, func(*testing.T) cloud.Driver {
		var list []cloud.Instance
		for _, m := range machines(3) {
			list = append(list, cloud.Instance{ID: m.Name, Name: m.Name, IP: m.IP})
		}
		return cloud.NewLocal(list)
	})
}

// What the operator declared is the state, and a refusal says what to do instead.
func TestLocalTells(t *testing.T) {
	l := cloud.NewLocal([]cloud.Instance{{ID: "m1", Name: "m1", State: "stopped", Declared: true}})
	if listing, err := l.Instances(t.Context()); err != nil || listing.Instances[0].State != cloud.StateStopped {
		t.Errorf("%+v, %v", listing, err)
	}
	_, err := l.Stop(t.Context(), "m1")
	want := "cannot stop instance m1: refused by " + cloud.GateLocal
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "state: stopped") {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := l.Associate(t.Context(), "m1", netip.MustParseAddr("198.51.100.1")); err == nil ||
		!strings.Contains(err.Error(), "refused by "+cloud.GateLocalAddresses) {
		t.Error(err)
	}
}

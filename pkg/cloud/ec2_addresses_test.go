package cloud_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
)

// pair is a site with m1 and m2 running.
func pair(t *testing.T) (*site, *cloud.Cache, [2]string) {
	t.Helper()
	s := newSite(t)
	d := s.cached(t, 3, 0)
	var ids [2]string
	for n, name := range []string{"m1", "m2"} {
		ids[n] = good(t)(d.Launch(t.Context(), name)).ID
		until(t, d, name, cloud.StateRunning)
	}
	return s, d, ids
}

// rounds moves an address around: to one, again, to the other, from the one that
// has it not, from the one that has it, again.
func rounds(t *testing.T, d cloud.Addresses, ip netip.Addr, kind string, ids [2]string) {
	t.Helper()
	for n, step := range []struct {
		move         func(context.Context, string, netip.Addr) (cloud.Address, error)
		name         string
		holder, told string
	}{
		{d.Associate, "m1", ids[0], "m1"},
		{d.Associate, "m1", ids[0], "m1"},
		{d.Associate, "m2", ids[1], "m2"},
		{d.Disassociate, "m1", ids[1], "m2"},
		{d.Disassociate, "m2", "", ""},
		{d.Disassociate, "m2", "", ""},
		{d.Associate, "m2", ids[1], "m2"},
	} {
		a, err := step.move(t.Context(), step.name, ip)
		if err != nil || a.Holder != step.holder || a.Name != step.told || a.IP != ip {
			t.Fatalf("step %d: %+v, %v; want %s (%s)", n+1, a, err, step.holder, step.told)
		}
		seen, err := d.Address(t.Context(), ip)
		if err != nil || seen.Holder != step.holder || seen.Name != step.told {
			t.Fatalf("after step %d it is seen as %+v, %v", n+1, seen, err)
		}
		if step.holder != "" && (a.Kind != kind || seen.Kind != kind) {
			t.Errorf("after step %d it is %q and %q, want %q", n+1, a.Kind, seen.Kind, kind)
		}
	}
}

func TestElasticAddress(t *testing.T) {
	t.Parallel()
	s, d, ids := pair(t)
	out, err := s.bare.AllocateAddress(t.Context(), &sdk.AllocateAddressInput{})
	if err != nil {
		t.Fatal(err)
	}
	rounds(t, d, netip.MustParseAddr(*out.PublicIp), cloud.KindElastic, ids)
	if _, err := d.Associate(t.Context(), "m1", netip.MustParseAddr("198.51.100.7")); err == nil {
		t.Error("an address of nobody's was moved")
	}
	var notNow *cloud.NotNow
	if _, err := d.Associate(t.Context(), "m3", netip.MustParseAddr(*out.PublicIp)); !errors.As(err, &notNow) {
		t.Errorf("given to a machine that is not there: %v", err)
	}
}

func TestSecondaryAddress(t *testing.T) {
	t.Parallel()
	_, d, ids := pair(t)
	rounds(t, d, netip.MustParseAddr("10.1.0.100"), cloud.KindSecondary, ids)
}

func TestInterfaceThatMoves(t *testing.T) {
	t.Parallel()
	s, d, ids := pair(t)
	if _, err := s.bare.CreateNetworkInterface(t.Context(), &sdk.CreateNetworkInterfaceInput{
		SubnetId: &s.subnet, PrivateIpAddress: aws.String("10.1.0.101"),
	}); err != nil {
		t.Fatal(err)
	}
	rounds(t, d, netip.MustParseAddr("10.1.0.101"), cloud.KindInterface, ids)
}

// A machine's first address stays where it is.
func TestFirstAddressStays(t *testing.T) {
	_, d, _ := pair(t)
	first := machines(1)[0].IP
	_, err := d.Associate(t.Context(), "m2", first)
	wantGate(t, err, cloud.GateNotOurs)
	_, err = d.Disassociate(t.Context(), "m1", first)
	wantGate(t, err, cloud.GateNotOurs)
}

// What others have is told without a name.
func TestOthersAddress(t *testing.T) {
	s, d, _ := pair(t)
	ip := netip.MustParseAddr("10.1.0.150")
	ids, err := s.AddVirtual([]ec2.Virtual{{Name: "theirs", IP: ip, VPC: s.vpc, Subnet: s.subnet}})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := d.Address(t.Context(), ip); err != nil || a.Holder != ids[0] || a.Name != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

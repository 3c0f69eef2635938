package cloud_test

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
)

// one checks that the endpoint has exactly one live instance at m1's address, ours.
func (s *site) one(t testing.TB) string {
	t.Helper()
	there := s.live(t)["10.1.0.11"]
	if len(there) != 1 {
		t.Fatalf("%d live instances at 10.1.0.11, want one", len(there))
	}
	tags := map[string]string{}
	for _, tag := range there[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	if tags["Name"] != "m1" || tags["clmgr:cluster"] != "prod" || tags["clmgr:name"] != "m1" {
		t.Errorf("its tags are %v", tags)
	}
	return *there[0].InstanceId
}

// What the configuration says is what is launched.
func TestLaunchAsConfigured(t *testing.T) {
	s := newSite(t)
	o := s.options(t, 1)
	o.KeyPair, o.SecurityGroups = "cluster-key", []string{"default"}
	i := good(t)(cloud.NewEC2(o).Launch(t.Context(), "m1"))
	there := s.live(t)["10.1.0.11"][0]
	if i.ID != *there.InstanceId || string(there.InstanceType) != "t3.micro" || *there.ImageId != "ami-databases" ||
		*there.KeyName != "cluster-key" || *there.SubnetId != s.subnet || len(there.SecurityGroups) != 1 {
		t.Errorf("launched %+v", there)
	}
	o.SecurityGroups = []string{"nosuch"}
	o.Machines = machines(2)
	if _, err := cloud.NewEC2(o).Launch(t.Context(), "m2"); err == nil || !strings.Contains(err.Error(), "cannot use security group nosuch") {
		t.Error(err)
	}
}

// Ten processes launch one machine at once, with a store in common or each with its own.
func TestTenLaunchesAtOnce(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"one store": true, "ten stores": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			// A call takes so long that the others come to theirs.
			slow := ec2.Fault{Actions: []string{"RunInstances"}, Delay: ec2.Duration(time.Second)}
			if err := s.SetFaults(ec2.Faults{Rules: []ec2.Fault{slow}, Unlisted: ec2.Lag{Calls: 30}}); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			ids := make([]string, 10)
			for n := range ids {
				o := s.options(t, 1)
				if !shared {
					o.Documents = openDocuments(t, t.TempDir())
				}
				wg.Go(func() {
					i, err := cloud.NewEC2(o).Launch(context.Background(), "m1")
					var refused *cloud.Refused
					if err != nil && (shared || !errors.As(err, &refused) || refused.Gate != cloud.GateInUse) {
						t.Error(err)
					}
					ids[n] = i.ID
				})
			}
			wg.Wait()
			id := s.one(t)
			for n, got := range ids {
				if got != id && (shared || got != "") {
					t.Errorf("launch %d gave %q, there is %s", n, got, id)
				}
			}
			if n := s.Calls().Actions["RunInstances"]; n < 2 {
				t.Errorf("%d calls: they were not at once", n)
			}
		})
	}
}

// A call that took effect and whose answer is lost, is cut or is refused for a
// while, is made again with the same token.
func TestLaunchThroughFaults(t *testing.T) {
	for name, fault := range map[string]ec2.Fault{
		"lost":      {Effect: ec2.Lost, Times: 2},
		"cut":       {Effect: ec2.Cut, Times: 2},
		"broken":    {Effect: ec2.Broken, Times: 2},
		"throttled": {Effect: ec2.Refused, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			fault.Actions = []string{"RunInstances"}
			if err := s.SetFaults(ec2.Faults{Seed: 1, Rules: []ec2.Fault{fault}, Unlisted: ec2.Lag{Calls: 3}}); err != nil {
				t.Fatal(err)
			}
			i := good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
			if id := s.one(t); i.ID != id {
				t.Errorf("launched %s, there is %s", i.ID, id)
			}
		})
	}
}

// The answer is lost for good: the process gives up, and the next one finds the
// instance by the token, for the API does not list it yet.
func TestLaunchLostForGood(t *testing.T) {
	s := newSite(t)
	if err := s.SetFaults(ec2.Faults{
		Rules:    []ec2.Fault{{Actions: []string{"RunInstances"}, Effect: ec2.Lost}},
		Unlisted: ec2.Lag{Calls: 1000}, Untagged: ec2.Lag{Calls: 1000},
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if i, err := s.driver(t, 1).Launch(ctx, "m1"); err == nil {
		t.Fatalf("launched %+v though nobody answered", i)
	}
	if err := s.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: 1000}}); err != nil {
		t.Fatal(err)
	}
	first := good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
	if first.State != cloud.StatePending || first.Reason == "" {
		t.Errorf("not listed yet, it is %+v", first)
	}
	again := good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
	if again.ID != first.ID || again.State != cloud.StatePending {
		t.Errorf("launched again while not listed: %+v, before %+v", again, first)
	}
	if n := s.Calls().Actions["RunInstances"]; n < 2 {
		t.Errorf("%d calls", n)
	}
}

// An instance whose tags are not listed yet is ours all the same.
func TestLaunchUntagged(t *testing.T) {
	s := newSite(t)
	if err := s.SetFaults(ec2.Faults{Untagged: ec2.Lag{Calls: 1000}}); err != nil {
		t.Fatal(err)
	}
	first := good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
	again := good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
	if again.ID != first.ID {
		t.Errorf("%+v, before %+v", again, first)
	}
}

// After a terminate, by us or behind our back, a launch gives a new instance.
func TestLaunchAfterTerminate(t *testing.T) {
	s := newSite(t)
	d := s.driver(t, 1)
	seen := map[string]bool{}
	for range 3 {
		i := good(t)(d.Launch(t.Context(), "m1"))
		if seen[i.ID] {
			t.Fatalf("%s again", i.ID)
		}
		seen[i.ID] = true
		until(t, d, "m1", cloud.StateRunning)
		if _, err := s.bare.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{i.ID}}); err != nil {
			t.Fatal(err)
		}
		until(t, d, "m1", cloud.StateAbsent)
	}
}

// What the API judges to be a bad request is forgotten: the next launch asks for
// what the configuration says then.
func TestLaunchMended(t *testing.T) {
	s := newSite(t)
	o := s.options(t, 1)
	o.Image = "ami-nosuch"
	if _, err := cloud.NewEC2(o).Launch(t.Context(), "m1"); err == nil || !strings.Contains(err.Error(), "EC2 says InvalidAMIID.NotFound: ") {
		t.Errorf("%v", err)
	}
	good(t)(s.driver(t, 1).Launch(t.Context(), "m1"))
	s.one(t)
}

func TestLaunchRefused(t *testing.T) {
	s := newSite(t)
	o := s.options(t, 2)
	o.Image = ""
	_, err := cloud.NewEC2(o).Launch(t.Context(), "m2")
	wantGate(t, err, cloud.GateIncomplete)

	for _, tags := range []map[string]string{{}, {"clmgr:cluster": "test", "clmgr:name": "m1"}} {
		other, err := s.AddVirtual([]ec2.Virtual{{Name: "theirs", IP: machines(1)[0].IP, VPC: s.vpc, Subnet: s.subnet, Tags: tags}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.driver(t, 1).Launch(t.Context(), "m1")
		wantGate(t, err, cloud.GateInUse)
		if !strings.Contains(err.Error(), other[0]+" (theirs)") {
			t.Errorf("%v does not say who has it", err)
		}
		if _, err := s.bare.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: other}); err != nil {
			t.Fatal(err)
		}
		for len(s.live(t)) > 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}

	if _, err := s.bare.CreateNetworkInterface(t.Context(), &sdk.CreateNetworkInterfaceInput{
		SubnetId: &s.subnet, PrivateIpAddress: aws.String("10.1.0.11"),
	}); err != nil {
		t.Fatal(err)
	}
	_, err = s.driver(t, 1).Launch(t.Context(), "m1")
	wantGate(t, err, cloud.GateInUse)
}

// A machine that was launched by hand is known by its name and its place.
func TestAdopted(t *testing.T) {
	s := newSite(t)
	ids, err := s.AddVirtual([]ec2.Virtual{{Name: "m1", IP: machines(1)[0].IP, VPC: s.vpc, Subnet: s.subnet}})
	if err != nil {
		t.Fatal(err)
	}
	if i := good(t)(s.driver(t, 1).Launch(t.Context(), "m1")); i.ID != ids[0] {
		t.Errorf("%+v, want %s", i, ids[0])
	}
}

// Other people's instances at the same addresses elsewhere, and another cluster's
// at ours, are neither shown nor touched.
func TestOthersAreNotShown(t *testing.T) {
	s := newSite(t)
	ip := machines(1)[0].IP
	if _, err := s.AddVirtual([]ec2.Virtual{
		{Name: "m1", IP: ip, Tags: map[string]string{"clmgr:cluster": "prod", "clmgr:name": "m1"}},
		{Name: "m1", IP: ip, VPC: s.vpc, Subnet: "subnet-0fedcba9876543210"},
		{Name: "m2", IP: ip.Next(), VPC: s.vpc, Subnet: s.subnet, Tags: map[string]string{"clmgr:cluster": "test"}},
		{Name: "far", IP: netip.MustParseAddr("10.1.0.200"), VPC: s.vpc, Subnet: s.subnet},
	}); err != nil {
		t.Fatal(err)
	}
	d := s.driver(t, 2)
	l, err := d.Instances(t.Context())
	if err != nil || len(l.Instances) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, i := range l.Instances {
		if i.State != cloud.StateAbsent {
			t.Errorf("shown: %+v", i)
		}
	}
	for _, act := range []func(context.Context, string) (cloud.Instance, error){d.Stop, d.Start, d.Terminate} {
		for _, name := range []string{"m1", "m2"} {
			_, _ = act(t.Context(), name)
		}
	}
	for at, there := range s.live(t) {
		for _, i := range there {
			if i.State.Name != "running" {
				t.Errorf("the instance of others at %s is %s", at, i.State.Name)
			}
		}
	}
}

func wantGate(t *testing.T, err error, gate string) {
	t.Helper()
	var refused *cloud.Refused
	if !errors.As(err, &refused) || refused.Gate != gate {
		t.Errorf("%v, want a refusal by %s", err, gate)
	}
}

// broken are machines that do not start, which shows after a while.
type broken struct{ ec2.NoMachines }

func (broken) Boot(context.Context, ec2.Machine) error {
	time.Sleep(600 * time.Millisecond)
	return errors.New("no host has room")
}

// An instance that EC2 could not start is gone, and who waits for it hears why.
func TestLaunchTakenBack(t *testing.T) {
	s := siteOf(t, filepath.Join(t.TempDir(), "store"), broken{})
	o := s.options(t, 1)
	i, err := cloud.Follow(t.Context(), cloud.NewEC2(o), "launch", "m1")
	const why = "Server.InternalError: no host has room"
	if err == nil || !strings.Contains(err.Error(), "cannot see instance m1 running: it is ") || !strings.Contains(err.Error(), why) {
		t.Errorf("%+v, %v", i, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for i.State != cloud.StateAbsent && time.Now().Before(deadline) {
		i = good(t)(cloud.NewEC2(o).Instance(t.Context(), "m1"))
	}
	if i.State != cloud.StateAbsent || !strings.HasPrefix(i.Reason, "its instance i-") || !strings.HasSuffix(i.Reason, " was terminated: "+why) {
		t.Errorf("%+v", i)
	}
}

// Who has stopped an instance knows why it is.
func TestStoppedByOurselves(t *testing.T) {
	s := newSite(t)
	d := cloud.NewEC2(s.options(t, 1))
	for _, verb := range []string{"launch", "stop"} {
		if i, err := cloud.Follow(t.Context(), d, verb, "m1"); err != nil || i.Reason != "" {
			t.Errorf("%s: %+v, %v", verb, i, err)
		}
	}
}

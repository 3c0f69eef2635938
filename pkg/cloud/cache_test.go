package cloud_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
)

// add puts running instances at the addresses of the machines, tagged as ours.
func (s *site) add(t *testing.T, list []cloud.Machine) []string {
	t.Helper()
	var virtual []ec2.Virtual
	for _, m := range list {
		virtual = append(virtual, ec2.Virtual{
			Name: m.Name, IP: m.IP, VPC: s.vpc, Subnet: s.subnet,
			Tags: map[string]string{"clmgr:cluster": "prod", "clmgr:name": m.Name},
		})
	}
	ids, err := s.AddVirtual(virtual)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// states lists and gives "name state" of each, with ! for what is stale.
func states(t *testing.T, d cloud.Driver) (string, error) {
	t.Helper()
	l, err := d.Instances(t.Context())
	var out []string
	for _, i := range l.Instances {
		word := i.Name + " " + i.State
		if i.Stale {
			word += "!"
			if i.Reason == "" {
				t.Errorf("stale without a reason: %+v", i)
			}
		}
		out = append(out, word)
	}
	if stale := strings.Contains(strings.Join(out, " "), "!"); err != nil && l.Complete || err != nil && !stale {
		t.Errorf("%+v with error %v", l, err)
	}
	return strings.Join(out, ", "), err
}

func wantStates(t *testing.T, d cloud.Driver, want string) {
	t.Helper()
	got, err := states(t, d)
	if got != want || err != nil {
		t.Errorf("listed %q (%v), want %q", got, err, want)
	}
}

// One call when nothing is fresh, none when it is, whoever asks; and the count is
// the endpoint's own.
func TestCacheSpares(t *testing.T) {
	s := newSite(t)
	s.add(t, machines(3))
	first, second := s.cached(t, 3, time.Hour), s.cached(t, 3, time.Hour)
	wantStates(t, first, "m1 running, m2 running, m3 running")
	wantStates(t, second, "m1 running, m2 running, m3 running")
	l, err := first.Instances(t.Context())
	if err != nil || l.Use.Calls != 0 || l.Use.LastHour != 1 || s.Calls().Total != 1 {
		t.Errorf("use %+v (%v), the endpoint counted %d", l.Use, err, s.Calls().Total)
	}
	l, err = s.cached(t, 3, time.Nanosecond).Instances(t.Context())
	if err != nil || l.Use.Calls != 1 || l.Use.LastHour != 2 || s.Calls().Total != 2 {
		t.Errorf("use %+v (%v), the endpoint counted %d", l.Use, err, s.Calls().Total)
	}
	// Another configuration is another listing.
	wantStates(t, s.cached(t, 2, time.Hour), "m1 running, m2 running")
	if n := s.Calls().Total; n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

// An action looks for itself, and what it learns is in the next listing.
func TestCacheLearnsFromActions(t *testing.T) {
	s := newSite(t)
	d := s.cached(t, 2, time.Hour)
	wantStates(t, d, "m1 absent, m2 absent")
	i := good(t)(d.Launch(t.Context(), "m1"))
	if name, ok := s.cached(t, 2, time.Hour).Find(t.Context(), i.ID); !ok || name != "m1" {
		t.Errorf("%s is %q", i.ID, name)
	}
	until(t, d, "m1", cloud.StateRunning)
	calls := s.Calls().Total
	wantStates(t, d, "m1 running, m2 absent")
	if n := s.Calls().Total; n != calls {
		t.Errorf("%d calls for a listing that was fresh", n-calls)
	}
	l, _ := d.Instances(t.Context())
	if l.Use.LastHour != calls {
		t.Errorf("%d calls counted, the endpoint counted %d", l.Use.LastHour, calls)
	}
	if _, ok := d.Find(t.Context(), "i-0123456789abcdef0"); ok {
		t.Error("found what is not there")
	}
	// Behind our back: the listing is believed, an action is not misled.
	if _, err := s.bare.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{i.ID}}); err != nil {
		t.Fatal(err)
	}
	until(t, s.driver(t, 2), "m1", cloud.StateStopped)
	wantStates(t, d, "m1 running, m2 absent")
	if now := good(t)(d.Start(t.Context(), "m1")); now.ID != i.ID {
		t.Errorf("started %+v", now)
	}
	if n := s.Calls().Actions["StartInstances"]; n != 1 {
		t.Errorf("%d starts", n)
	}
}

// An instance is gone when two complete listings do not have it; one that is being
// removed, when one does not.
func TestCacheRemoval(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.add(t, machines(2))
	d := s.cached(t, 2, time.Nanosecond)
	wantStates(t, d, "m1 running, m2 running")
	if _, err := s.bare.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: ids[:1]}); err != nil {
		t.Fatal(err)
	}
	until(t, s.driver(t, 2), "m1", cloud.StateAbsent)
	wantStates(t, d, "m1 running!, m2 running")
	s.fault(t, ec2.Fault{Effect: ec2.Refused, Code: "UnauthorizedOperation"})
	if got, err := states(t, d); got != "m1 running!, m2 running!" || err == nil {
		t.Errorf("a listing that failed: %q, %v", got, err)
	}
	s.fault(t)
	wantStates(t, d, "m1 absent, m2 running")
	wantStates(t, d, "m1 absent, m2 running")
	good(t)(d.Terminate(t.Context(), "m2"))
	until(t, s.driver(t, 2), "m2", cloud.StateAbsent)
	wantStates(t, d, "m1 absent, m2 absent")
}

// An instance that was launched and is not listed yet is pending, not gone.
func TestCacheSettling(t *testing.T) {
	s := newSite(t)
	d := s.cached(t, 1, time.Nanosecond)
	wantStates(t, d, "m1 absent")
	if err := s.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: 7}}); err != nil {
		t.Fatal(err)
	}
	i := good(t)(d.Launch(t.Context(), "m1"))
	for range 4 {
		l, err := d.Instances(t.Context())
		if err != nil || l.Instances[0].ID != i.ID || l.Instances[0].State != cloud.StatePending || l.Instances[0].Stale {
			t.Fatalf("%+v, %v; want %s pending", l, err, i.ID)
		}
	}
	for range 5 {
		_, _ = states(t, d)
	}
	wantStates(t, d, "m1 running")
}

// Nine calls in ten refused: it ends in time, with what is known, stale; and the
// tries are counted.
func TestThrottled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(t, machines(2))
	d := s.cached(t, 2, time.Nanosecond)
	wantStates(t, d, "m1 running, m2 running")
	s.fault(t, ec2.Fault{Effect: ec2.Refused, Share: 0.999})
	s.ResetCalls()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	began := time.Now()
	l, err := d.Instances(ctx)
	if took := time.Since(began); took > 8*time.Second || err == nil || l.Complete {
		t.Errorf("after %s: %+v, %v", took, l, err)
	}
	for _, i := range l.Instances {
		if !i.Stale || i.State != cloud.StateRunning || i.Seen.IsZero() || !strings.Contains(i.Reason, "cannot list instances: EC2 ") {
			t.Errorf("%+v", i)
		}
	}
	// The last one may be cut off on its way.
	if n := s.Calls().Total; n < 2 || l.Use.Calls != n && l.Use.Calls != n+1 {
		t.Errorf("%d calls counted, the endpoint counted %d", l.Use.Calls, n)
	}
}

// 2,000 machines in batches; one that fails, or the second page of one, removes
// nothing.
func TestManyInPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := machines(2000)
	s.add(t, list)
	var elsewhere []ec2.Virtual // so many at one batch's addresses that its answer has pages
	for n := range 1500 {
		elsewhere = append(elsewhere, ec2.Virtual{
			Name: "theirs", IP: list[400+n%150].IP, VPC: s.vpc, Subnet: fmt.Sprintf("subnet-0%016x", n),
		})
	}
	if _, err := s.AddVirtual(elsewhere); err != nil {
		t.Fatal(err)
	}
	o := s.options(t, 0)
	o.Machines, o.Subnet = list, ""
	// Without the subnet those others are in our VPC, too, and later in the listing.
	d := cloud.Cached(cloud.NewEC2(o), o.Documents, "prod", time.Nanosecond)
	l, err := d.Instances(t.Context())
	if err != nil || !l.Complete || len(l.Instances) != 2000 {
		t.Fatalf("%d instances, %v", len(l.Instances), err)
	}
	for n, i := range l.Instances {
		if i.Name != list[n].Name || i.State != cloud.StateRunning {
			t.Fatalf("entry %d is %+v", n, i)
		}
	}
	calls := s.Calls().Total
	if calls < 12 || calls > 14 || l.Use.Calls != calls {
		t.Errorf("%d calls, %d counted; want eleven batches and a second page or two", calls, l.Use.Calls)
	}
	s.fault(t, ec2.Fault{Actions: []string{"DescribeInstances"}, Page: 2, Effect: ec2.Refused, Code: "UnauthorizedOperation"})
	l, err = d.Instances(t.Context())
	stale := 0
	for _, i := range l.Instances {
		if i.State != cloud.StateRunning {
			t.Fatalf("removed: %+v", i)
		}
		if i.Stale {
			stale++
		}
	}
	if err == nil || l.Complete || stale == 0 || stale > 1700 {
		t.Errorf("%d stale, %v", stale, err)
	}
}

// A hung API ends with the caller's time; a document that cannot be read is
// filled anew; a later program's is left alone.
func TestCacheOddities(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(t, machines(1))
	documents := openDocuments(t, s.folder)
	put := func(text string) {
		if err := documents.Update(t.Context(), "api/prod", "test", func([]byte) ([]byte, error) { return []byte(text), nil }); err != nil {
			t.Fatal(err)
		}
	}
	put("{")
	wantStates(t, s.cached(t, 1, time.Hour), "m1 running")
	put(`{"version":2}`)
	wantStates(t, s.cached(t, 1, time.Hour), "m1 running")
	if b, err := documents.Get(t.Context(), "api/prod"); err != nil || string(b) != `{"version":2}` {
		t.Errorf("overwritten: %s, %v", b, err)
	}
	s.fault(t, ec2.Fault{Effect: ec2.Hung})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.cached(t, 1, time.Hour).Instances(ctx); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// Errors say what is wrong in a line, and no secret.
func TestErrorsAreWords(t *testing.T) {
	s := newSite(t)
	for what, change := range map[string]func(*cloud.EC2Options){
		"EC2 says AuthFailure: ":       func(o *cloud.EC2Options) { o.Secret = func() string { return "another-secret" } },
		"connection refused":           func(o *cloud.EC2Options) { o.Endpoint = "http://127.0.0.1:1" },
		"cannot read the AWS settings": func(o *cloud.EC2Options) { o.Profile = "nosuch" },
		"no region":                    func(o *cloud.EC2Options) { o.Region = "" },
	} {
		o := s.options(t, 1)
		change(&o)
		t.Setenv("AWS_CONFIG_FILE", "/nowhere")
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		l, err := cloud.NewEC2(o).Instances(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), what) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("want %q: %v", what, err)
		}
		if len(l.Instances) != 1 || !l.Instances[0].Stale || l.Instances[0].IP != netip.MustParseAddr("10.1.0.11") {
			t.Errorf("the listing is %+v", l)
		}
	}
}

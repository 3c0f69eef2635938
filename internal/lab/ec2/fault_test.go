package ec2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

func stuck() ec2.Faults                   { return ec2.Faults{StuckPending: true} }
func none() ec2.Faults                    { return ec2.Faults{} }
func rules(rules ...ec2.Fault) ec2.Faults { return ec2.Faults{Seed: 7, Rules: rules} }

// TestThrottled: a share of the calls is refused, the same ones for the same seed, and the
// SDK's own retries get through.
func TestThrottled(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	pattern := func() (refused string) {
		must(t, s.server.SetFaults(rules(ec2.Fault{Share: 0.5, Effect: ec2.Refused})))
		for range 40 {
			_, err := s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{})
			switch code(err) {
			case "":
				refused += "."
			case "RequestLimitExceeded":
				refused += "x"
			default:
				t.Fatal(err)
			}
		}
		return refused
	}
	first := pattern()
	if n := bytes.Count([]byte(first), []byte("x")); n < 10 || n > 30 {
		t.Errorf("half of the calls refused: %s", first)
	}
	if again := pattern(); again != first {
		t.Errorf("the same seed gave %s and %s", first, again)
	}
	must(t, s.server.SetFaults(rules(ec2.Fault{Times: 2, Effect: ec2.Refused})))
	s.server.ResetCalls()
	_, err := s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{}, func(o *sdk.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
	must(t, err)
	if c := s.server.Calls(); c.Total != 3 || c.Actions["DescribeInstances"] != 3 || c.Errors["RequestLimitExceeded"] != 2 {
		t.Errorf("counted %+v", c)
	}
}

// TestBroken: 500 for one action only.
func TestBroken(t *testing.T) {
	s := fresh(t)
	must(t, s.server.SetFaults(rules(ec2.Fault{Actions: []string{"RunInstances"}, Times: 1, Effect: ec2.Broken})))
	if all, _ := s.list(t, &sdk.DescribeInstancesInput{}); len(all) != 0 {
		t.Error("there are instances")
	}
	_, err := s.RunInstances(t.Context(), at("", ""))
	wantCode(t, err, "InternalError")
	s.launch(t, "")
	must(t, s.server.SetFaults(rules(ec2.Fault{Effect: ec2.Refused, Code: "UnauthorizedOperation"})))
	_, err = s.RunInstances(t.Context(), at("", ""))
	wantCode(t, err, "UnauthorizedOperation")
}

// TestLost: the answer is cut off after the instance was made, and asking again with the
// token finds it; a call that is cut did nothing.
func TestLost(t *testing.T) {
	for effect, want := range map[ec2.Effect]int{ec2.Lost: 1, ec2.Cut: 0} {
		s := fresh(t)
		must(t, s.server.SetFaults(rules(ec2.Fault{Actions: []string{"RunInstances"}, Times: 1, Effect: effect})))
		_, err := s.RunInstances(t.Context(), at("10.1.2.20", "tok"))
		wantCode(t, err, "no answer")
		all, _ := s.list(t, &sdk.DescribeInstancesInput{})
		if len(all) != want {
			t.Errorf("%s: %d instances, want %d", effect, len(all), want)
		}
		out, err := s.RunInstances(t.Context(), at("10.1.2.20", "tok"))
		must(t, err)
		if want == 1 && *out.Instances[0].InstanceId != *all[0].InstanceId {
			t.Error("the second try made a second instance")
		}
	}
}

// TestSecondPageFails: the first page comes, the second never.
func TestSecondPageFails(t *testing.T) {
	s := fresh(t)
	s.crowd(t, 20)
	must(t, s.server.SetFaults(rules(ec2.Fault{Actions: []string{"DescribeInstances"}, Page: 2, Effect: ec2.Broken})))
	p := sdk.NewDescribeInstancesPaginator(s, &sdk.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	_, err := p.NextPage(t.Context())
	must(t, err)
	for range 2 {
		_, err = p.NextPage(t.Context())
		wantCode(t, err, "InternalError")
	}
}

// TestSlowAndHung: a delay delays; a hung call ends only with its caller.
func TestSlowAndHung(t *testing.T) {
	s := fresh(t)
	const delay = 50 * time.Millisecond
	must(t, s.server.SetFaults(rules(ec2.Fault{Delay: ec2.Duration(delay)})))
	begin := time.Now()
	s.list(t, &sdk.DescribeInstancesInput{})
	if took := time.Since(begin); took < delay {
		t.Errorf("answered after %s", took)
	}
	must(t, s.server.SetFaults(rules(ec2.Fault{Effect: ec2.Hung})))
	ctx, cancel := context.WithTimeout(t.Context(), delay)
	defer cancel()
	_, err := s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{})
	if ctx.Err() == nil {
		t.Errorf("a hung call ended by itself: %v", err)
	}
}

// TestLag: a new instance is listed late, and its tags later; a change by its id and a
// repeated launch see it at once.
func TestLag(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	must(t, s.server.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: 2}, Untagged: ec2.Lag{Calls: 4}}))
	in := at("10.1.2.20", "tok")
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags("Name", "db1")}}
	out, err := s.RunInstances(ctx, in)
	must(t, err)
	if i := out.Instances[0]; len(i.Tags) != 1 {
		t.Error("the answer itself has no tags")
	}
	id := *out.Instances[0].InstanceId
	if again, err := s.RunInstances(ctx, in); err != nil || *again.Instances[0].InstanceId != id {
		t.Errorf("the repeated launch: %v", err)
	}
	var seen string
	for n := range 6 {
		if n == 1 {
			_, err := s.get(ctx, id)
			wantCode(t, err, "InvalidInstanceID.NotFound")
			seen += "-"
			continue
		}
		all, _ := s.list(t, &sdk.DescribeInstancesInput{})
		switch {
		case len(all) == 0:
			seen += "-"
		case len(all[0].Tags) == 0:
			seen += "u"
		default:
			seen += "T"
		}
	}
	if seen != "--uuTT" {
		t.Errorf("listings saw %s", seen)
	}
	must(t, s.server.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Time: ec2.Duration(time.Hour)}}))
	late := *s.launch(t, "").InstanceId
	_, err = s.get(ctx, late)
	wantCode(t, err, "InvalidInstanceID.NotFound")
	_, err = s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{late}})
	must(t, err)
}

// TestStuck: pending until the fault ends, or the instance does.
func TestStuck(t *testing.T) {
	s := fresh(t)
	must(t, s.server.SetFaults(stuck()))
	one, two := *s.launch(t, "").InstanceId, *s.launch(t, "").InstanceId
	_, err := s.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{two}})
	must(t, err)
	s.wait(t, two, "terminated")
	if i, err := s.get(t.Context(), one); err != nil || i.State.Name != "pending" {
		t.Errorf("stuck, but %s: %v", i.State.Name, err)
	}
	must(t, s.server.SetFaults(none()))
	s.wait(t, one, "running")
}

// TestSideDoor sets faults and reads counts by HTTP.
func TestSideDoor(t *testing.T) {
	s := fresh(t)
	do := func(method, path, body string) (status int, answer map[string]any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewBufferString(body))
		must(t, err)
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		json.NewDecoder(res.Body).Decode(&answer)
		return res.StatusCode, answer
	}
	if status, got := do("PUT", "/_lab/faults", `{"rules":[{"share":1,"delay":"1ms","effect":"refused"}],"unlisted":{"time":"2s"}}`); status != 200 || got["unlisted"] == nil {
		t.Errorf("set faults: %d %v", status, got)
	}
	_, err := s.DescribeVpcs(t.Context(), &sdk.DescribeVpcsInput{})
	wantCode(t, err, "RequestLimitExceeded")
	if _, got := do("GET", "/_lab/calls", ""); got["total"] != 1.0 || got["errors"].(map[string]any)["RequestLimitExceeded"] != 1.0 {
		t.Errorf("calls: %v", got)
	}
	if _, got := do("DELETE", "/_lab/calls", ""); got["total"] != 0.0 {
		t.Errorf("calls after a reset: %v", got)
	}
	for _, bad := range []string{`{"rules":[{"effect":"explode"}]}`, `{"rules":[{"share":2}]}`, `{"rulez":[]}`, `nonsense`} {
		if status, _ := do("PUT", "/_lab/faults", bad); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
	do("DELETE", "/_lab/faults", "")
	if status, _ := do("POST", "/_lab/instances", `[{"name":"x","ip":"10.9.9.9"}]`); status != 200 {
		t.Errorf("add an instance: %d", status)
	}
	if all, _ := s.list(t, &sdk.DescribeInstancesInput{}); len(all) != 1 {
		t.Errorf("listed %v", ids(all))
	}
	if status, _ := do("GET", "/_lab/nothing", ""); status != 404 {
		t.Errorf("a door that is not there: %d", status)
	}
}

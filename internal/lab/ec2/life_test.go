package ec2_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestLife takes an instance through all its states, by the real SDK and its waiters.
func TestLife(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	in := at("10.1.2.20", "")
	in.KeyName, in.InstanceType = aws.String("ops"), types.InstanceTypeT3Small
	in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")))
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags("Name", "db1", "cluster", "east")}}
	out, err := s.RunInstances(ctx, in)
	must(t, err)
	i := out.Instances[0]
	if i.State.Name != types.InstanceStateNamePending || *i.State.Code != 0 || *i.PrivateIpAddress != "10.1.2.20" {
		t.Errorf("launched as %s (%d) at %s", i.State.Name, *i.State.Code, *i.PrivateIpAddress)
	}
	one := &sdk.DescribeInstancesInput{InstanceIds: []string{*i.InstanceId}}
	must(t, sdk.NewInstanceRunningWaiter(s, quickRunning).Wait(ctx, one, time.Minute))
	i, err = s.get(ctx, *i.InstanceId)
	must(t, err)
	if *i.KeyName != "ops" || i.InstanceType != "t3.small" || len(i.Tags) != 2 || i.StateReason != nil || len(i.NetworkInterfaces) != 1 {
		t.Errorf("running: %+v", i)
	}
	change, err := s.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: one.InstanceIds})
	must(t, err)
	if c := change.StoppingInstances[0]; c.CurrentState.Name != "stopping" || *c.PreviousState.Code != 16 {
		t.Errorf("stop says %+v", c)
	}
	must(t, sdk.NewInstanceStoppedWaiter(s, quickStopped).Wait(ctx, one, time.Minute))
	if i, err = s.get(ctx, *i.InstanceId); err != nil || *i.PrivateIpAddress != "10.1.2.20" {
		t.Errorf("a stopped instance lost its address: %v", err)
	}
	_, err = s.RunInstances(ctx, at("10.1.2.20", ""))
	wantCode(t, err, "InvalidIPAddress.InUse")
	_, err = s.StartInstances(ctx, &sdk.StartInstancesInput{InstanceIds: one.InstanceIds})
	must(t, err)
	s.wait(t, *i.InstanceId, types.InstanceStateNameRunning)
	_, err = s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: one.InstanceIds})
	must(t, err)
	must(t, sdk.NewInstanceTerminatedWaiter(s, quickTerminated).Wait(ctx, one, time.Minute))
	i, err = s.get(ctx, *i.InstanceId)
	must(t, err)
	if i.PrivateIpAddress != nil || i.VpcId != nil || len(i.NetworkInterfaces) != 0 || *i.StateReason.Code != "Client.UserInitiatedShutdown" {
		t.Errorf("terminated: %+v", i)
	}
	if again := s.running(t, "10.1.2.20"); *again.InstanceId == *i.InstanceId {
		t.Error("launching after a terminate gave the dead instance")
	}
}

func quickRunning(o *sdk.InstanceRunningWaiterOptions) {
	o.MinDelay, o.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
}

func quickStopped(o *sdk.InstanceStoppedWaiterOptions) {
	o.MinDelay, o.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
}

func quickTerminated(o *sdk.InstanceTerminatedWaiterOptions) {
	o.MinDelay, o.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
}

// TestPowerRefusals are the verbs that do not fit a state, and those that do nothing.
func TestPowerRefusals(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	must(t, s.server.SetFaults(stuck()))
	id := *s.launch(t, "").InstanceId
	verbs := map[string]func() error{
		"start": func() error {
			_, err := s.StartInstances(ctx, &sdk.StartInstancesInput{InstanceIds: []string{id}})
			return err
		},
		"stop": func() error {
			_, err := s.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}})
			return err
		},
		"terminate": func() error {
			_, err := s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
			return err
		},
	}
	for _, step := range []struct {
		state types.InstanceStateName
		verb  string
		want  string
	}{
		{"pending", "start", ""},
		{"pending", "stop", "IncorrectInstanceState"},
		{"running", "start", ""},
		{"running", "stop", ""},
		{"stopped", "stop", ""},
		{"stopped", "terminate", ""},
		{"terminated", "terminate", ""},
		{"terminated", "start", "IncorrectInstanceState"},
		{"terminated", "stop", "IncorrectInstanceState"},
	} {
		if step.state == "running" {
			must(t, s.server.SetFaults(none()))
		}
		s.wait(t, id, step.state)
		if got := code(verbs[step.verb]()); got != step.want {
			t.Errorf("%s while %s: %q, want %q", step.verb, step.state, got, step.want)
		}
	}
}

// TestAllOrNothing: one bad instance in a request leaves the others alone.
func TestAllOrNothing(t *testing.T) {
	s := fresh(t)
	id := *s.running(t, "").InstanceId
	_, err := s.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id, "i-00000000000000001"}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
	if i, err := s.get(t.Context(), id); err != nil || i.State.Name != "running" {
		t.Errorf("%s is %s, %v", id, i.State.Name, err)
	}
}

// TestDryRun changes nothing and says what would have come.
func TestDryRun(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	in := at("10.1.2.30", "t1")
	in.DryRun = aws.Bool(true)
	_, err := s.RunInstances(ctx, in)
	wantCode(t, err, "DryRunOperation")
	if all, _ := s.list(t, &sdk.DescribeInstancesInput{}); len(all) != 0 {
		t.Errorf("a dry run launched %v", ids(all))
	}
	s.launch(t, "10.1.2.30")
	_, err = s.RunInstances(ctx, in)
	wantCode(t, err, "InvalidIPAddress.InUse")
}

// TestStatus lists the running ones unless asked for all.
func TestStatus(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	run, halt := s.running(t, ""), s.running(t, "")
	_, err := s.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: []string{*halt.InstanceId}})
	must(t, err)
	s.wait(t, *halt.InstanceId, "stopped")
	out, err := s.DescribeInstanceStatus(ctx, &sdk.DescribeInstanceStatusInput{})
	must(t, err)
	if len(out.InstanceStatuses) != 1 || *out.InstanceStatuses[0].InstanceId != *run.InstanceId ||
		out.InstanceStatuses[0].InstanceStatus.Status != types.SummaryStatusOk {
		t.Errorf("status of the running ones: %+v", out.InstanceStatuses)
	}
	out, err = s.DescribeInstanceStatus(ctx, &sdk.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true)})
	must(t, err)
	if len(out.InstanceStatuses) != 2 || out.InstanceStatuses[1].SystemStatus.Status != types.SummaryStatusNotApplicable {
		t.Errorf("status of all: %+v", out.InstanceStatuses)
	}
}

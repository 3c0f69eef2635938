package ec2_test

import (
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestToken: a token names its instance for ever.
func TestToken(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	first, err := s.RunInstances(ctx, at("10.1.2.20", "one"))
	must(t, err)
	id := *first.Instances[0].InstanceId
	s.wait(t, id, "running")
	again := func(state types.InstanceStateName) {
		t.Helper()
		out, err := s.RunInstances(ctx, at("10.1.2.20", "one"))
		must(t, err)
		if i := out.Instances[0]; *i.InstanceId != id || *out.ReservationId != *first.ReservationId || i.State.Name != state {
			t.Errorf("the same request gave %s, %s, want %s, %s", *i.InstanceId, i.State.Name, id, state)
		}
	}
	again("running")
	for name, change := range map[string]func(*sdk.RunInstancesInput){
		"address": func(in *sdk.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.1.2.21") },
		"image":   func(in *sdk.RunInstancesInput) { in.ImageId = aws.String("ami-debian12") },
		"count":   func(in *sdk.RunInstancesInput) { in.MaxCount = aws.Int32(2) },
		"tags": func(in *sdk.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: tags("a", "b")}}
		},
	} {
		in := at("10.1.2.20", "one")
		change(in)
		_, err := s.RunInstances(ctx, in)
		if code(err) != "IdempotentParameterMismatch" {
			t.Errorf("another %s: %v", name, err)
		}
	}
	_, err = s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
	must(t, err)
	s.wait(t, id, "terminated")
	again("terminated")
	out, err := s.RunInstances(ctx, at("10.1.2.20", "two"))
	must(t, err)
	if *out.Instances[0].InstanceId == id {
		t.Error("another token gave the dead instance")
	}
}

// TestTenAtOnce: ten launches of one address with one token are one instance; with ten
// tokens one wins.
func TestTenAtOnce(t *testing.T) {
	s := fresh(t)
	for _, ip := range []string{"10.1.2.20", "10.1.2.21"} {
		var wg sync.WaitGroup
		got := make([]string, 10)
		for n := range got {
			token := "same"
			if ip == "10.1.2.21" {
				token = string(rune('a' + n))
			}
			wg.Go(func() {
				out, err := s.RunInstances(t.Context(), at(ip, token))
				if got[n] = code(err); err == nil {
					got[n] = *out.Instances[0].InstanceId
				}
			})
		}
		wg.Wait()
		seen := map[string]int{}
		for _, g := range got {
			seen[g]++
		}
		if ip == "10.1.2.20" && len(seen) != 1 || ip == "10.1.2.21" && seen["InvalidIPAddress.InUse"] != 9 {
			t.Errorf("%s: %v", ip, seen)
		}
	}
	if all, _ := s.list(t, &sdk.DescribeInstancesInput{}); len(all) != 2 {
		t.Errorf("twenty launches of two addresses made %d instances", len(all))
	}
}

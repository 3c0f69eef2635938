package ec2_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// crowd adds instances of which every tenth is ours.
func (s site) crowd(t *testing.T, count int) {
	t.Helper()
	var list []ec2.Virtual
	for n := range count {
		v := ec2.Virtual{
			Name: fmt.Sprintf("other-%d", n), IP: netip.AddrFrom4([4]byte{10, 9, byte(n / 250), byte(n%250 + 4)}),
			Tags: map[string]string{"team": "somebody"},
		}
		if n%10 == 0 {
			v.Name, v.Tags = fmt.Sprintf("db-%d", n), map[string]string{"team": "us"}
		}
		list = append(list, v)
	}
	_, err := s.server.AddVirtual(list)
	must(t, err)
}

// TestPages walks 2,000 instances: each once, in order, however large the pages.
func TestPages(t *testing.T) {
	s := fresh(t)
	s.crowd(t, 2000)
	for _, c := range []struct {
		in    sdk.DescribeInstancesInput
		want  int
		pages int
	}{
		{sdk.DescribeInstancesInput{}, 2000, 2},
		{sdk.DescribeInstancesInput{MaxResults: aws.Int32(1000)}, 2000, 2},
		{sdk.DescribeInstancesInput{MaxResults: aws.Int32(300)}, 2000, 7},
		{sdk.DescribeInstancesInput{MaxResults: aws.Int32(50), Filters: []types.Filter{filter("tag:team", "us")}}, 200, 4},
	} {
		all, pages := s.list(t, &c.in)
		if len(slices.Compact(slices.Sorted(slices.Values(ids(all))))) != c.want || len(all) != c.want {
			t.Errorf("%d instances, want %d", len(all), c.want)
		}
		if pages != c.pages {
			t.Errorf("%d pages, want %d", pages, c.pages)
		}
	}
}

// TestPagesWhileChanging: what is listed on a later page stays so when an instance that
// was listed goes, and nothing comes twice.
func TestPagesWhileChanging(t *testing.T) {
	s := fresh(t)
	var launched []string
	for range 12 {
		launched = append(launched, *s.running(t, "").InstanceId)
	}
	live := []types.Filter{filter("instance-state-name", "running")}
	p := sdk.NewDescribeInstancesPaginator(s, &sdk.DescribeInstancesInput{MaxResults: aws.Int32(5), Filters: live})
	var seen []string
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		must(t, err)
		for _, r := range out.Reservations {
			seen = append(seen, ids(r.Instances)...)
		}
		if len(seen) == 5 {
			_, err := s.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: launched[:3]})
			must(t, err)
		}
	}
	if !slices.Equal(seen, launched) {
		t.Errorf("saw %d of %d: %v", len(seen), len(launched), seen)
	}
}

// TestPageRefusals are the sizes and tokens that the API does not take.
func TestPageRefusals(t *testing.T) {
	s := fresh(t)
	s.crowd(t, 10)
	out, err := s.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	must(t, err)
	for name, c := range map[string]struct {
		in   sdk.DescribeInstancesInput
		want string
	}{
		"small":    {sdk.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		"large":    {sdk.DescribeInstancesInput{MaxResults: aws.Int32(1001)}, "InvalidParameterValue"},
		"token":    {sdk.DescribeInstancesInput{NextToken: aws.String("nonsense")}, "InvalidNextToken"},
		"with ids": {sdk.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{"i-00000000000000001"}}, "InvalidParameterCombination"},
		"good":     {sdk.DescribeInstancesInput{MaxResults: aws.Int32(5), NextToken: out.NextToken}, ""},
	} {
		_, err := s.DescribeInstances(t.Context(), &c.in)
		if code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	_, err = s.DescribeTags(t.Context(), &sdk.DescribeTagsInput{NextToken: out.NextToken})
	wantCode(t, err, "InvalidNextToken")
}

// TestFilters: each filter finds the one and not the other.
func TestFilters(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	in := at("10.1.2.20", "tok-1")
	in.KeyName = aws.String("ops")
	in.InstanceType = types.InstanceTypeT3Small
	in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tags("Name", "db-1", "cluster", "a*b")}}
	out, err := s.RunInstances(ctx, in)
	must(t, err)
	one := s.wait(t, *out.Instances[0].InstanceId, "running")
	other, err := s.server.AddVirtual([]ec2.Virtual{{
		Name: "web-1", IP: netip.MustParseAddr("10.1.2.20"), State: "stopped", Tags: map[string]string{"role": "axb"},
	}})
	must(t, err)
	for _, f := range []types.Filter{
		filter("instance-id", *one.InstanceId), filter("instance-state-name", "pending", "running"),
		filter("instance-state-code", "16"), filter("vpc-id", *one.VpcId), filter("subnet-id", *one.SubnetId),
		filter("tag:Name", "db-*"), filter("tag:Name", "??-1"), filter("tag:cluster", `a\*b`), filter("tag-key", "clus*"),
		filter("tag-value", "db-1"), filter("key-name", "ops"), filter("client-token", "tok-1"),
		filter("instance-type", "t3.*"), filter("image-id", image), filter("reservation-id", *out.ReservationId),
		filter("network-interface.network-interface-id", *one.NetworkInterfaces[0].NetworkInterfaceId),
	} {
		all, _ := s.list(t, &sdk.DescribeInstancesInput{Filters: []types.Filter{f}})
		if len(all) != 1 || *all[0].InstanceId != *one.InstanceId {
			t.Errorf("%s=%v finds %v", *f.Name, f.Values, ids(all))
		}
	}
	both, _ := s.list(t, &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("private-ip-address", "10.1.2.20")}})
	if len(both) != 2 {
		t.Errorf("an address in two VPCs finds %v", ids(both))
	}
	neither, _ := s.list(t, &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("tag:Name", "db-1"), filter("instance-id", other[0])}})
	if len(neither) != 0 {
		t.Errorf("two filters find %v", ids(neither))
	}
	_, err = s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("colour", "red")}})
	wantCode(t, err, "InvalidParameterValue")
	_, err = s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("tag:Name", make([]string, 201)...)}})
	wantCode(t, err, "FilterLimitExceeded")
}

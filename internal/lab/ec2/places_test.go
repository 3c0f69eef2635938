package ec2_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
)

// TestPlacesByAWS asks with Debian's aws for what machines are launched of and into.
func TestPlacesByAWS(t *testing.T) {
	r := machines(t)
	// first returns the only entry of a list in an answer.
	first := func(list string, args ...string) map[string]any {
		t.Helper()
		all, _ := r.aws(t, args...)[list].([]any)
		if len(all) != 1 {
			t.Fatalf("aws ec2 %v: %d entries, want 1", args, len(all))
		}
		return all[0].(map[string]any)
	}
	if got := first("Images", "describe-images", "--image-ids", "ami-databases"); got["ImageId"] != "ami-databases" || got["State"] != "available" {
		t.Errorf("image %v", got)
	}
	subnet := first("Subnets", "describe-subnets")
	if got := subnet["CidrBlock"]; got != r.net+"0/24" {
		t.Errorf("subnet of %v, want %s0/24", got, r.net)
	}
	group := first("SecurityGroups", "describe-security-groups", "--filters", "Name=group-name,Values=default")
	if group["VpcId"] != subnet["VpcId"] {
		t.Errorf("group in %v, subnet in %v", group["VpcId"], subnet["VpcId"])
	}
	bySDK, err := r.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{})
	if err != nil || *bySDK.Subnets[0].SubnetId != subnet["SubnetId"] {
		t.Errorf("the SDK is told %v, error %v; aws %v", bySDK, err, subnet["SubnetId"])
	}
}

package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestTags sets, replaces, lists and deletes tags of several resources.
func TestTags(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	one := s.running(t, "")
	id, nic := *one.InstanceId, *one.NetworkInterfaces[0].NetworkInterfaceId
	create := func(pairs ...string) {
		t.Helper()
		_, err := s.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{id, nic}, Tags: tags(pairs...)})
		must(t, err)
	}
	create("Name", "db1", "role", "")
	create("Name", "db2", "odd", `<&"é`)
	list := func(filters ...types.Filter) map[string]string {
		t.Helper()
		out, err := s.DescribeTags(ctx, &sdk.DescribeTagsInput{Filters: filters})
		must(t, err)
		got := map[string]string{}
		for _, tag := range out.Tags {
			got[*tag.ResourceId+" "+*tag.Key] = aws.ToString(tag.Value)
		}
		return got
	}
	if got := list(); len(got) != 6 || got[id+" Name"] != "db2" || got[nic+" odd"] != `<&"é` {
		t.Errorf("tags: %v", got)
	}
	if got := list(filter("resource-type", "instance"), filter("key", "N*")); len(got) != 1 || got[id+" Name"] != "db2" {
		t.Errorf("filtered: %v", got)
	}
	remove := func(tag ...types.Tag) {
		t.Helper()
		_, err := s.DeleteTags(ctx, &sdk.DeleteTagsInput{Resources: []string{id}, Tags: tag})
		must(t, err)
	}
	mine := filter("resource-id", id)
	remove(types.Tag{Key: aws.String("Name"), Value: aws.String("other")})
	if got := list(mine); len(got) != 3 {
		t.Errorf("a tag with another value went: %v", got)
	}
	remove(types.Tag{Key: aws.String("Name"), Value: aws.String("db2")}, types.Tag{Key: aws.String("role")})
	if got := list(mine); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	remove()
	if got := list(mine); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if got := list(); len(got) != 3 {
		t.Errorf("the other resource has %v", got)
	}
}

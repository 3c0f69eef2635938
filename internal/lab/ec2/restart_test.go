package ec2_test

import (
	"os"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
)

// TestRestart: another endpoint with the file of the first knows everything, tokens too,
// and goes on with what was under way.
func TestRestart(t *testing.T) {
	one, ctx := fresh(t), t.Context()
	in := at("10.1.2.20", "tok")
	out, err := one.RunInstances(ctx, in)
	must(t, err)
	id := *out.Instances[0].InstanceId
	one.wait(t, id, "running")
	_, err = one.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{id}, Tags: tags("Name", "db1")})
	must(t, err)
	must(t, one.server.SetFaults(stuck()))
	half := *one.launch(t, "").InstanceId
	one.server.Close()
	two := open(t, one.file)
	if i := two.wait(t, id, "running"); len(i.Tags) != 1 {
		t.Errorf("tags: %v", i.Tags)
	}
	two.wait(t, half, "running")
	again, err := two.RunInstances(ctx, in)
	must(t, err)
	if *again.Instances[0].InstanceId != id {
		t.Error("the token was forgotten")
	}
	info, err := os.Stat(one.file)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the state's mode is %o", info.Mode().Perm())
	}
}

// TestUnwritable: where the state cannot be kept, nothing happens and nobody is told it did.
func TestUnwritable(t *testing.T) {
	s := fresh(t)
	must(t, os.Remove(s.file))
	must(t, os.Mkdir(s.file, 0o700))
	_, err := s.RunInstances(t.Context(), at("", ""))
	wantCode(t, err, "InternalError")
	if all, _ := s.list(t, &sdk.DescribeInstancesInput{}); len(all) != 0 {
		t.Errorf("launched %v all the same", ids(all))
	}
	must(t, os.Remove(s.file))
	s.launch(t, "")
}

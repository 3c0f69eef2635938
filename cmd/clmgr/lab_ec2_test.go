package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// TestLabEC2 launches a machine with Debian's aws command as a user of the built program
// does, over a stop of the endpoint.
func TestLabEC2(t *testing.T) {
	if err := lab.Possible(); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "clmgr")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	name := fmt.Sprintf("ec2cli%d", os.Getpid())
	t.Cleanup(func() {
		if err := lab.Down(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	shell := func(script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", `eval "$("$CLMGR" lab ec2 env --name "$LAB")"; `+script)
		cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + t.TempDir(), "CLMGR=" + program, "LAB=" + name}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", script, err, out)
		}
		return string(out)
	}
	out, err := exec.CommandContext(t.Context(), program, "lab", "up", "--name", name, "--machines", "1", "--image", "debian12", "--ec2").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "EC2 endpoint http://127.0.0.1:") {
		t.Fatalf("lab up: %v: %s", err, out)
	}
	const aws = `/usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" --output text ec2 `
	shell(`"$CLMGR" lab ec2 stop --name "$LAB"; "$CLMGR" lab status | grep -q "$LAB *EC2 .*stopped"; "$CLMGR" lab ec2 start --name "$LAB"`)
	shell(aws + `run-instances --image-id ami-debian12 --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=db9}]' >/dev/null; ` + aws + `wait instance-running`)
	if got := shell(aws + `describe-instances --query 'Reservations[].Instances[].Tags[].Value'`); strings.Join(strings.Fields(got), " ") != "m1 db9" {
		t.Errorf("instances: %s", got)
	}
	if got := shell(`"$CLMGR" lab exec --name "$LAB" db9 -- hostname`); got != "db9\n" {
		t.Errorf("in the machine: %s", got)
	}
	shell(`"$CLMGR" lab down --name "$LAB"`)
	if running, err := exec.Command("pgrep", "-f", "lab ec2 serve --name "+name).Output(); err == nil {
		t.Errorf("the endpoint outlived its lab: %s", running)
	}
}

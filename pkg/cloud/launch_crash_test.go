package cloud_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/store"
)

// In a child process the test binary launches m1 and kills itself where it is
// told to; its environment says where and at which endpoint.
const (
	childSite  = "CLMGR_CLOUD_TEST_SITE"  // url, folder, vpc, subnet
	childPoint = "CLMGR_CLOUD_TEST_POINT" // before or after, and a transition; or nothing
)

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(childSite))
	if len(words) != 4 {
		flag.Parse()
		if few := flag.Lookup("rapid.checks"); few.Value.String() == few.DefValue {
			_ = few.Value.Set("30") // a history is half a second of waiting
		}
		os.Exit(m.Run())
	}
	documents, err := store.Open(context.Background(), "file:"+words[1], store.Options{})
	if err == nil {
		_, err = cloud.NewEC2(cloud.EC2Options{
			Cluster: "prod", Machines: machines(1), Endpoint: words[0], Region: ec2.Region,
			AccessKey: accessKey, Secret: func() string { return secret }, VPC: words[2], Subnet: words[3],
			Image: "ami-databases", InstanceType: "t3.micro", Documents: deadly{storeDocuments{documents}, os.Getenv(childPoint)},
		}).Launch(context.Background(), "m1")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// deadly documents kill the process before or after a transition is stored.
type deadly struct {
	storeDocuments
	point string
}

func (d deadly) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	d.die("before " + why)
	err := d.storeDocuments.Update(ctx, key, why, f)
	d.die("after " + why)
	return err
}

func (d deadly) die(here string) {
	if d.point == here {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// child is a process that launches m1 and dies at the point.
func (s *site) child(t *testing.T, point string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childSite+"="+strings.Join([]string{s.url, s.folder, s.vpc, s.subnet}, " "), childPoint+"="+point,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else a child under -race sleeps for a second at its end
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// dies runs a child and tells whether it killed itself; any other end must be good.
func (s *site) dies(t *testing.T, point string) bool {
	t.Helper()
	cmd := s.child(t, point)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// launchPoints are all places at which a launch may die between two things that last.
var launchPoints = []string{"before launch", "after launch", "before launched", "after launched"}

// Killed at any point, the launch is finished by the next process, with the
// instance listed at once or long after.
func TestLaunchKilled(t *testing.T) {
	for _, lag := range []int{0, 25} {
		for _, point := range launchPoints {
			t.Run(fmt.Sprintf("%s, listed after %d calls", point, lag), func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				if err := s.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: lag}, Untagged: ec2.Lag{Calls: lag}}); err != nil {
					t.Fatal(err)
				}
				if !s.dies(t, point) {
					t.Fatalf("it did not die %s", point)
				}
				if s.dies(t, "") {
					t.Fatal("it died without a point")
				}
				s.one(t)
			})
		}
	}
}

// A walk: each run dies at the first point that no run has died at, until one
// comes through.
func TestLaunchWalk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: 40}}); err != nil {
		t.Fatal(err)
	}
	var died []string
	for _, point := range launchPoints {
		if s.dies(t, point) {
			died = append(died, point)
		}
	}
	if s.dies(t, "") {
		t.Fatal("it died without a point")
	}
	if !slices.Equal(died, launchPoints) {
		t.Errorf("died %v, want %v", died, launchPoints)
	}
	s.one(t)
}

// Killed while the endpoint works on its call.
func TestLaunchKilledInTheCall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fault(t, ec2.Fault{Actions: []string{"RunInstances"}, Delay: ec2.Duration(200 * time.Millisecond), Times: 1})
	cmd := s.child(t, "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); s.Calls().Actions["RunInstances"] == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never called")
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if s.dies(t, "") {
		t.Fatal("it died without a point")
	}
	s.one(t)
}

// Ten processes, some of which die on the way.
func TestLaunchByDyingProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.SetFaults(ec2.Faults{Unlisted: ec2.Lag{Calls: 60}}); err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	for n := range 10 {
		point := ""
		if n < 6 {
			point = launchPoints[n%len(launchPoints)]
		}
		cmd := s.child(t, point)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		_ = cmd.Wait()
	}
	s.one(t)
}

package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/remote"
)

// A network of its own, gone with the process: this test binary again, in a new
// namespace.
func TestStageOfWhatDoesNotAnswer(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), networkTest+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var seen []observed
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, want := range []struct {
		stage  remote.Stage
		atMost time.Duration
		late   bool
	}{
		{remote.StageSilent, 2 * brief, true},
		{remote.StageSilent, brief, false}, // the kernel knew at once
		{remote.StageRoute, brief, false},
	} {
		got := seen[i]
		if got.Stage != want.stage || !got.Silent || got.Took > want.atMost || (got.Took < brief) == want.late {
			t.Errorf("%d: got %+v, want %+v", i, got, want)
		}
	}
}

type observed struct {
	Stage  remote.Stage
	Silent bool
	Took   time.Duration
	Text   string
}

// inNamespace builds the network and prints what Check makes of it.
func inNamespace() int {
	for _, args := range []string{
		"link set lo up",
		"link add v0 type veth peer name v1",
		"addr add 10.255.255.1/24 dev v0",
		"link set v0 up",
		"link set v1 up",
		"neigh add 10.255.255.2 lladdr 02:00:00:00:00:09 dev v0",
		"route add unreachable 10.8.8.8",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			fmt.Printf("ip %s: %v: %s", args, err, out)
			return 1
		}
	}
	p := remote.NewPool(remote.Options{})
	var seen []observed
	for _, ip := range []remote.Machine{{IP: blackHole}, {IP: noWay}, {IP: noRoute}} {
		began := time.Now()
		err := p.Host(&remote.Settings{Bastion: "none", Timeout: brief}, ip).Check(context.Background())
		o := observed{Took: time.Since(began), Text: fmt.Sprint(err)}
		var e *remote.Error
		if errors.As(err, &e) {
			o.Stage, o.Silent = e.Stage, e.Silent()
		}
		seen = append(seen, o)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		return 1
	}
	return 0
}

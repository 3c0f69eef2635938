package lab_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// TestTwoLabs has machines of the same names side by side; what happens to one lab does
// not happen to the other, and down leaves nothing of the one and all of the other.
func TestTwoLabs(t *testing.T) {
	a, b := labtest.Up(t, lab.Debian12(), "m1", "m2"), labtest.Up(t, lab.Debian12(), "m1")
	bridge := bridgeOf(t, a)
	if a.Machine("m1").IP() == b.Machine("m1").IP() {
		t.Fatal("two machines have one address")
	}
	_, err := a.Cut(t.Context(), lab.Cut{From: []string{lab.Host}})
	must(t, err)
	must(t, a.Machine("m2").Freeze(t.Context()))
	if sees(a.Machine("m1")) || !sees(b.Machine("m1")) {
		t.Error("the cut of one lab cut the other, or none")
	}
	if _, err := lab.Up(t.Context(), lab.Options{Name: a.Name(), Machines: []lab.Spec{{Name: "m1", Image: lab.Debian12()}}}); !errors.As(err, new(*lab.Exists)) {
		t.Errorf("a name was taken twice: %v", err)
	}
	seen := traces(t, a.Name(), bridge)
	for _, kind := range []string{"link", "table", "group", "directory", "process"} {
		if len(seen[kind]) == 0 {
			t.Errorf("a running lab shows no %s: the search for what is left would find none either", kind)
		}
	}
	must(t, a.Down(t.Context()))
	gone(t, a.Name(), bridge)
	if _, err := lab.Open(a.Name()); !errors.As(err, new(*lab.NotThere)) {
		t.Errorf("it can still be opened: %v", err)
	}
	must(t, a.Down(t.Context())) // twice is no harm
	if !sees(b.Machine("m1")) {
		t.Error("the other lab went with it")
	}
}

// TestKilledUp kills the process that brings a lab up at several points with signal 9,
// and takes away what it made.
func TestKilledUp(t *testing.T) {
	must(t, lab.Possible())
	if _, err := lab.Databases().Build(t.Context(), t.Output()); err != nil {
		t.Fatal(err)
	}
	for point, reached := range map[string]func(name string) bool{
		"directory": func(name string) bool { return matches("/var/lib/clmgr-lab/" + name + "/lab.json") },
		"disks":     func(name string) bool { return matches("/var/lib/clmgr-lab/" + name + "/machines/m*/up") },
		"starting": func(name string) bool {
			return matches("/sys/fs/cgroup/*/clmgr-lab/"+name+"/m1", "/sys/fs/cgroup/clmgr-lab/"+name+"/m1")
		},
		"booting": func(name string) bool { l, err := lab.Open(name); return err == nil && l.Machine("m2").Running() },
		"ready":   nil,
	} {
		t.Run(point, func(t *testing.T) {
			name := "killed-" + point
			must(t, lab.Down(t.Context(), name))
			cmd, lines := startChild(t, name)
			if reached != nil {
				for end := time.Now().Add(20 * time.Second); !reached(name); {
					if time.Now().After(end) {
						t.Fatal("never came there")
					}
				}
			} else {
				for lines.Scan() && lines.Text() != "ready" {
					continue
				}
			}
			must(t, cmd.Process.Kill())
			cmd.Wait()
			l, err := lab.Open(name)
			must(t, err)
			bridge := "clab" + strings.Split(l.HostIP().String(), ".")[2]
			if point == "ready" {
				must(t, l.Machine("m1").Freeze(t.Context()))
				swept, err := lab.Sweep(t.Context())
				if err != nil || !slices.Contains(swept, name) {
					t.Errorf("a lab without its process was not swept: %v, %v", swept, err)
				}
			} else {
				must(t, lab.Down(t.Context(), name))
			}
			gone(t, name, bridge)
		})
	}
}

// TestCancelledUp gives up half way and leaves nothing behind.
func TestCancelledUp(t *testing.T) {
	must(t, lab.Possible())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	name, bridge := "cancelled", ""
	_, err := lab.Up(ctx, lab.Options{
		Name: name, Ephemeral: true, Machines: []lab.Spec{{Name: "m1", Image: lab.Debian12()}},
		Progress: lineFunc(func(line string) {
			if strings.Contains(line, "starting") {
				l, err := lab.Open(name)
				must(t, err)
				bridge = bridgeOf(t, l)
				cancel()
			}
		}),
	})
	if !errors.Is(err, context.Canceled) || bridge == "" {
		t.Errorf("got %v on %q", err, bridge)
	}
	gone(t, name, bridge)
}

// lineFunc is called with what is written.
type lineFunc func(string)

func (f lineFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// TestBadOptions refuses names that could not be told apart or found again.
func TestBadOptions(t *testing.T) {
	one := []lab.Spec{{Name: "m1", Image: lab.Debian12()}}
	for want, o := range map[string]lab.Options{
		"bad lab name":    {Name: "../x", Machines: one},
		"1 to 200":        {Name: "x"},
		"bad or repeated": {Name: "x", Machines: append(one, one...)},
		`name "host"`:     {Name: "x", Machines: []lab.Spec{{Name: lab.Host, Image: lab.Debian12()}}},
		"-1 percent":      {Name: "x", Machines: one, CPU: -1},
		"no such suite":   {Name: "x", Machines: []lab.Spec{{Name: "m1", Image: lab.Image{Name: "x", Suite: "potato"}}}},
	} {
		if _, err := lab.Up(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", want, err)
		}
	}
	if err := lab.Down(t.Context(), "../../etc"); err == nil {
		t.Error("a path was taken for a name")
	}
}

func matches(patterns ...string) bool {
	for _, p := range patterns {
		if found, _ := filepath.Glob(p); len(found) > 0 {
			return true
		}
	}
	return false
}

// TestSweepSpares keeps the labs of living processes and those that are not ephemeral.
func TestSweepSpares(t *testing.T) {
	l := labtest.Up(t, lab.Debian12(), "m1")
	swept, err := lab.Sweep(t.Context())
	if err != nil || slices.Contains(swept, l.Name()) || !sees(l.Machine("m1")) {
		t.Errorf("the lab of a living process was swept: %v, %v", swept, err)
	}
}

// oddImage is one nobody else builds.
func oddImage() lab.Image {
	return lab.Image{Name: "interrupted", Suite: "bookworm", Packages: []string{"hello"}}
}

// TestKilledBuild kills a builder and finds neither an image nor a lock held for ever.
func TestKilledBuild(t *testing.T) {
	must(t, lab.Possible())
	dir, err := oddImage().Dir()
	must(t, err)
	clean := func() { must(t, errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+".new"), os.RemoveAll(dir+".lock"))) }
	clean()
	t.Cleanup(clean)
	cmd, _ := startChild(t, "image")
	eventually(t, "a build that began", func() bool { return matches(dir + ".new/etc") })
	must(t, cmd.Process.Kill())
	cmd.Wait()
	if matches(dir) {
		t.Error("half an image would be used")
	}
	lock, err := os.Open(dir + ".lock")
	must(t, err)
	defer lock.Close()
	eventually(t, "the end of what the builder had started", func() bool {
		return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	})
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// groupsName is the folder of all labs in the control group tree.
const groupsName = "clmgr-lab"

// group is a version 2 control group, by its directory.
type group string

// groupRoot finds where version 2 control groups are mounted.
func groupRoot() (string, error) {
	roots, err := groupMounts("cgroup2")
	if err != nil {
		return "", err
	}
	if len(roots) == 0 {
		return "", errors.New("none are mounted")
	}
	return roots[0], nil
}

// groupsWork tries what a machine needs of control groups; cgroup.kill came with Linux 5.14.
func groupsWork() error {
	root, err := groupRoot()
	if err != nil {
		return err
	}
	probe, err := os.MkdirTemp(root, groupsName+"-probe-")
	if err != nil {
		return err
	}
	defer os.Remove(probe) //nolint:errcheck // an empty group harms nobody
	if !exists(filepath.Join(probe, "cgroup.kill")) {
		return errors.New("this kernel is older than 5.14")
	}
	return nil
}

// groupMounts lists the mount points of a file system type ("cgroup2", "cgroup").
func groupMounts(kind string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == kind {
			found = append(found, f[1])
		}
	}
	return found, nil
}

// labGroup is the control group of a lab; its machines are below it.
func labGroup(name string) (group, error) {
	root, err := groupRoot()
	return group(filepath.Join(root, groupsName, name)), err
}

func (g group) write(file, value string) error {
	err := os.WriteFile(filepath.Join(string(g), file), []byte(value), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// flag reads one line of cgroup.events; a group that does not exist has none set.
func (g group) flag(name string) bool {
	text, _ := os.ReadFile(filepath.Join(string(g), "cgroup.events"))
	return strings.Contains(string(text), name+" 1")
}

// populated tells whether a process lives in the group or below it.
func (g group) populated() bool { return g.flag("populated") }

// frozen tells whether the group was frozen by freeze.
func (g group) frozen() bool {
	text, _ := os.ReadFile(filepath.Join(string(g), "cgroup.freeze"))
	return strings.TrimSpace(string(text)) == "1"
}

// freeze stops or continues every process of the group and waits until it is so.
func (g group) freeze(ctx context.Context, on bool) error {
	value := "0"
	if on {
		value = "1"
	}
	if err := g.write("cgroup.freeze", value); err != nil {
		return err
	}
	return poll(ctx, 5*time.Second, func() bool { return g.flag("frozen") == on })
}

// kill ends every process of the group at once, frozen ones too, and waits for the end.
func (g group) kill(ctx context.Context) error {
	if err := g.write("cgroup.kill", "1"); err != nil {
		return err
	}
	return poll(ctx, 10*time.Second, func() bool { return !g.populated() })
}

// remove takes the group and all below it away, in every hierarchy: nspawn mirrors
// its path in the old one of systemd where that is mounted beside version 2.
func (g group) remove() error {
	root, err := groupRoot()
	if err != nil {
		return err
	}
	below, err := filepath.Rel(root, string(g))
	if err != nil {
		return err
	}
	roots, err := groupMounts("cgroup")
	if err != nil {
		return err
	}
	for _, r := range append(roots, root) {
		if err := removeGroups(filepath.Join(r, below)); err != nil {
			return err
		}
	}
	return nil
}

// removeGroups removes directories from the leaves up: their files cannot be removed.
func removeGroups(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeGroups(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove control group %s: %w", dir, err)
	}
	return nil
}

// pids lists the processes of the group and all groups below.
func (g group) pids() []int {
	var found []int
	_ = filepath.WalkDir(string(g), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // groups come and go while we walk
		}
		text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				found = append(found, pid)
			}
		}
		return nil
	})
	return found
}

// poll asks done every few milliseconds until it says yes, limit is over or ctx ends.
func poll(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// sub is the group of that name below g.
func (g group) sub(name string) group { return group(filepath.Join(string(g), name)) }

// join is the file that takes the number of a process to move into the group.
func (g group) join() string { return filepath.Join(string(g), "cgroup.procs") }

// open makes the group where needed and gives a descriptor to start a process in it.
func (g group) open() (fd int, closeIt func(), err error) {
	if err := os.MkdirAll(string(g), 0o755); err != nil {
		return 0, nil, err
	}
	dir, err := os.Open(string(g))
	if err != nil {
		return 0, nil, err
	}
	return int(dir.Fd()), func() { dir.Close() }, nil
}

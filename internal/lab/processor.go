package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// period is that in which a share of a processor is counted, in microseconds.
const period = 100_000

// limit makes a group's machine do with so many percent of one processor. Under version 2
// that is a setting of the group itself; where the controller is in an old tree of its own,
// a group of the same name is made there, whose list of processes is returned: who is in it
// when it becomes the machine takes all of it along.
func (g group) limit(percent int) (join string, err error) {
	root, err := groupRoot()
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(root, string(g))
	if err != nil {
		return "", err
	}
	quota := strconv.Itoa(percent * period / 100)
	if controllers, _ := os.ReadFile(filepath.Join(root, "cgroup.controllers")); strings.Contains(" "+strings.TrimSpace(string(controllers))+" ", " cpu ") {
		return "", g.limitHere(root, below, quota)
	}
	roots, err := groupMounts("cgroup")
	if err != nil {
		return "", err
	}
	for _, r := range roots {
		if !slices.Contains(strings.Split(filepath.Base(r), ","), "cpu") {
			continue
		}
		dir := filepath.Join(r, below)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		for _, s := range []struct{ file, value string }{{"cpu.cfs_period_us", strconv.Itoa(period)}, {"cpu.cfs_quota_us", quota}} {
			if err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.value), 0); err != nil {
				return "", err
			}
		}
		return filepath.Join(dir, "cgroup.procs"), nil
	}
	return "", errors.New("this kernel cannot share a processor out among control groups")
}

// limitHere has each group above hand the controller down, and sets the share.
func (g group) limitHere(root, below, quota string) error {
	if err := os.MkdirAll(string(g), 0o755); err != nil {
		return err
	}
	at := root
	for _, name := range strings.Split(below, string(filepath.Separator)) {
		if err := os.WriteFile(filepath.Join(at, "cgroup.subtree_control"), []byte("+cpu"), 0); err != nil {
			return err
		}
		at = filepath.Join(at, name)
	}
	return os.WriteFile(filepath.Join(at, "cpu.max"), fmt.Appendf(nil, "%s %d", quota, period), 0)
}

package lab

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// mountPoints are the places where something is mounted, in the order of mounting. What
// the file says of spaces and the like, \040, is made a character again.
func mountPoints() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var out []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 {
			out = append(out, unescape.Replace(fields[1]))
		}
	}
	return out, nil
}

// removeTree removes a folder in which something that was cut off may have left mounts:
// what is mounted there is not to be removed.
func removeTree(dir string) error {
	points, err := mountPoints()
	if err != nil {
		return err
	}
	slices.Reverse(points)
	for _, p := range points {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			if err := syscall.Unmount(p, syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("cannot unmount %s: %w", p, err)
			}
		}
	}
	return os.RemoveAll(dir)
}

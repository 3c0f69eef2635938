package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// hostQuestion reads /proc and asks the file systems. Remote ones are left out (-l): they
// are not this machine's, and asking one whose server is away would hang. df fails where
// it may not look at one of many; what it printed is good all the same.
const hostQuestion = `cat /proc/sys/kernel/hostname /proc/loadavg || exit
getconf _NPROCESSORS_ONLN
echo memory; cat /proc/meminfo || exit
echo mounts; cat /proc/self/mounts || exit
echo blocks; df -P -k -l 2>/dev/null
echo inodes; df -P -i -l 2>/dev/null
true`

// host is one look at the resources of a machine. Shares are percent of what there is.
type host struct {
	hostname string
	load     float64 // of five minutes, percent of the processors
	memory   float64 // not available to programs
	swap     float64 // -1 where there is none
	mounts   []mount // in the order of the machine
}

// mount is one file system.
type mount struct {
	path   string
	ram    bool    // it lives in memory
	blocks float64 // used, of what users may use
	inodes float64 // used; -1 where they are not counted
}

// readHost reads the answer to hostQuestion.
func readHost(text string) (host, error) {
	parts := map[string][]string{}
	part := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if slices.Contains([]string{"memory", "mounts", "blocks", "inodes"}, line) {
			part = line
			continue
		}
		parts[part] = append(parts[part], line)
	}
	h, err := readHead(parts[""])
	if err != nil {
		return h, err
	}
	if err := h.readMemory(parts["memory"]); err != nil {
		return h, err
	}
	if len(parts["blocks"]) == 0 {
		return h, errors.New("df printed nothing")
	}
	h.readMounts(parts["mounts"], readDF(parts["blocks"]), readDF(parts["inodes"]))
	return h, nil
}

// readHead reads the host's name, its load and how many processors it has.
func readHead(lines []string) (host, error) {
	if len(lines) != 3 {
		return host{}, errors.New("the machine told no name, load and processors")
	}
	h := host{hostname: oneLine(lines[0], longestText), swap: -1}
	loads, processors := strings.Fields(lines[1]), atLeastOne(lines[2])
	if len(loads) < 3 {
		return h, fmt.Errorf("unexpected load %q", lines[1])
	}
	load, err := strconv.ParseFloat(loads[1], 64)
	if err != nil {
		return h, fmt.Errorf("unexpected load %q", lines[1])
	}
	h.load = 100 * load / float64(processors)
	return h, nil
}

func atLeastOne(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// readMemory reads /proc/meminfo.
func (h *host) readMemory(lines []string) error {
	of := map[string]float64{}
	for _, line := range lines {
		key, rest, _ := strings.Cut(line, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			if n, err := strconv.ParseFloat(f[0], 64); err == nil {
				of[key] = n
			}
		}
	}
	available, ok := of["MemAvailable"]
	if !ok || of["MemTotal"] <= 0 {
		return errors.New("/proc/meminfo has no MemTotal and MemAvailable")
	}
	h.memory = 100 * (of["MemTotal"] - available) / of["MemTotal"]
	if total := of["SwapTotal"]; total > 0 {
		h.swap = 100 * (total - of["SwapFree"]) / total
	}
	return nil
}

// readDF reads what df -P has printed: of each mount point how much is used, in percent
// of what is used or free, rounded up as df does; -1 where it does not say.
func readDF(lines []string) map[string]float64 {
	out := map[string]float64{}
	for _, line := range lines[min(len(lines), 1):] {
		// DEVICE TOTAL USED FREE N% PATH, where DEVICE and PATH may have spaces.
		f := strings.Fields(line)
		at := slices.IndexFunc(f, func(s string) bool { return s == "-" || strings.HasSuffix(s, "%") && s != "%" })
		_, path, ok := strings.Cut(line, "% ")
		if at < 4 || !ok && f[at] != "-" {
			continue
		}
		if f[at] == "-" {
			_, path, _ = strings.Cut(line, " - ")
		}
		path = strings.TrimLeft(path, " ")
		used, err1 := strconv.ParseFloat(f[at-2], 64)
		free, err2 := strconv.ParseFloat(f[at-1], 64)
		if err1 != nil || err2 != nil || used+free <= 0 {
			out[path] = -1
			continue
		}
		out[path] = 100 * used / (used + free)
	}
	return out
}

// readMounts lays the mount points over what df said of them. What nobody can fill is
// left out: what is mounted for reading only, and what is a view of another.
func (h *host) readMounts(lines []string, blocks, inodes map[string]float64) {
	seen := map[string]int{}
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		path, kind, options := unescape(f[1]), f[2], strings.Split(f[3], ",")
		used, known := blocks[path]
		if !known || used < 0 || !fills(path, kind) || slices.Contains(options, "ro") {
			continue
		}
		m := mount{path: path, ram: kind == "tmpfs" || kind == "ramfs", blocks: used, inodes: -1}
		if n, ok := inodes[path]; ok {
			m.inodes = n
		}
		if n, twice := seen[path]; twice {
			h.mounts[n] = m // mounted over the other
			continue
		}
		seen[path] = len(h.mounts)
		h.mounts = append(h.mounts, m)
	}
}

// fills tells whether a file system is one that can fill up with what programs write.
func fills(path, kind string) bool {
	switch kind {
	case "squashfs", "iso9660", "udf", "efivarfs", "devtmpfs", "cramfs", "erofs":
		return false
	case "overlay": // of a container: its layers lie on another that is watched
		return path == "/"
	}
	return true
}

// unescape reads a path as /proc/mounts writes it, with \040 for a space.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

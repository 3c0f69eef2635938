package remote

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// fileState is what tells that a file has changed.
type fileState struct {
	exists bool
	size   int64
	time   time.Time
	inode  uint64
}

// stateOf looks at a file; one that cannot be looked at does not exist for us, and
// reading it says why.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	s := fileState{exists: true, size: info.Size(), time: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

// expand replaces a leading ~ by the home of the user who runs us.
func expand(path string) string {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, path[1:])
}

func expandAll(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, expand(p))
	}
	return out
}

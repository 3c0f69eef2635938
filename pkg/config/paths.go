package config

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// paths makes the paths of a file absolute.
type paths struct {
	base string // the folder of the configuration file, absolute
	home string // the user's, "" where there is none
}

func newPaths(file string) paths {
	base, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		base = "/"
	}
	return paths{base: base, home: homeFolder()}
}

// homeFolder asks the user database where the environment is silent, as it is
// under some cron daemons.
func homeFolder() string {
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// resolve returns a text of the given check with its path made absolute; other
// texts it returns as they are.
func (p paths) resolve(check, s string) (string, error) {
	switch check {
	case "path":
		return p.absolute(s)
	case "path-or-none":
		if s == "none" {
			return "", nil
		}
		return p.absolute(s)
	case "store":
		if path, ok := strings.CutPrefix(s, "file:"); ok && !strings.HasPrefix(path, "//") {
			path, err := p.absolute(path)
			return "file:" + path, err
		}
	}
	return s, nil
}

func (p paths) absolute(s string) (string, error) {
	switch {
	case s == "~" || strings.HasPrefix(s, "~/"):
		if p.home == "" {
			return s, errors.New("cannot resolve ~: this user has no home folder")
		}
		return filepath.Join(p.home, s[1:]), nil
	case strings.HasPrefix(s, "~"):
		return s, fmt.Errorf("cannot resolve %s: of the forms with ~ only ~/ is understood", quoted(s))
	case filepath.IsAbs(s):
		return filepath.Clean(s), nil
	}
	return filepath.Join(p.base, s), nil
}

// exists tells whether something stands at the path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// state returns the default state folder: the system's for root and for a user
// without a home folder, else the user's.
func (p paths) state() string {
	const system = "/var/lib/clmgr"
	if os.Geteuid() == 0 {
		return system
	}
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "clmgr")
	}
	if p.home == "" {
		return system
	}
	return filepath.Join(p.home, ".local", "state", "clmgr")
}

package remote

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"sync"

	"github.com/kevinburke/ssh_config"
)

// sshConfig is one parsed ssh_config; nil is an empty one.
type sshConfig struct {
	config *ssh_config.Config
	state  fileState
}

// configs keeps parsed ssh_config files until they change.
type configs struct {
	mu     sync.Mutex
	parsed map[string]*sshConfig
}

// load returns the parsed file, nil for "".
func (c *configs) load(path string) (*sshConfig, error) {
	if path == "" {
		return nil, nil
	}
	path = expand(path)
	c.mu.Lock()
	defer c.mu.Unlock()
	state := stateOf(path)
	if old, ok := c.parsed[path]; ok && old.state == state {
		return old, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read ssh_config: %w", err)
	}
	config, err := ssh_config.DecodeBytes(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read ssh_config %s: %w", path, err)
	}
	parsed := &sshConfig{config: config, state: state}
	c.parsed[path] = parsed
	return parsed, nil
}

// get returns the first value of key for the first of the aliases that has one.
func (c *sshConfig) get(aliases []string, key string) string {
	if c == nil {
		return ""
	}
	for _, alias := range aliases {
		if v, err := c.config.Get(alias, key); err == nil && v != "" {
			return v
		}
	}
	return ""
}

// all returns every value of key for the first of the aliases that has one.
func (c *sshConfig) all(aliases []string, key string) []string {
	if c == nil {
		return nil
	}
	for _, alias := range aliases {
		if vs, err := c.config.GetAll(alias, key); err == nil && len(vs) > 0 {
			return vs
		}
	}
	return nil
}

// tokens replaces the percent tokens a path in ssh_config may hold.
func tokens(path, host, remoteUser string) string {
	if !strings.Contains(path, "%") {
		return expand(path)
	}
	local := ""
	if u, err := user.Current(); err == nil {
		local = u.Username
	}
	return expand(strings.NewReplacer(
		"%%", "%", "%d", expand("~"), "%h", host, "%r", remoteUser, "%u", local,
	).Replace(path))
}

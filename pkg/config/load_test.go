package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLoadWarnsOfPasswordsForAll(t *testing.T) {
	const text = "clusters:\n  main:\n    database: {password: canary}\n    instances: [{name: db1, ip: 10.0.0.1}]\n"
	path := filepath.Join(t.TempDir(), "clmgr.yaml")
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: 0, 0o644: 1} {
		write(t, path, text, mode)
		c, err := Load(path, known())
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings) != want {
			t.Errorf("mode %o: %v", mode, c.Warnings)
		}
		for _, w := range c.Warnings {
			if w.Line != 3 || w.Column != 26 || !strings.Contains(w.Message, "chmod o-r") || w.File != path {
				t.Errorf("%v", w)
			}
		}
	}
}

func TestLoadWarns(t *testing.T) {
	c, err := Parse("f", []byte(in("    database: {password: abc}\n    services: [{name: s, mode: mysql, instance: db1, timeout: 20s}]\n")), known())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[0].Message, "cannot be masked") ||
		!strings.Contains(c.Warnings[1].Message, "heartbeat.deadline, 10s") {
		t.Errorf("%v", c.Warnings)
	}
}

func TestLoadOfWhatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	if _, err := Load(filepath.Join(folder, "none.yaml"), known()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	var mistakes Errors
	if _, err := Load(folder, known()); err == nil || errors.As(err, &mistakes) {
		t.Errorf("a folder: %v", err)
	}
	path := filepath.Join(folder, "broken.yaml")
	write(t, path, "clusters: [\n", 0o600)
	if _, err := Load(path, known()); !errors.As(err, &mistakes) || mistakes[0].File != path {
		t.Errorf("a broken file: %v", err)
	}
}

func TestPathsAreResolved(t *testing.T) {
	folder := t.TempDir()
	home := filepath.Join(folder, "home")
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	path := filepath.Join(folder, "clmgr.yaml")
	write(t, path, "state_dir: state\nstore: file:../store\nssh: {keys: [~/id, keys/id, /id]}\n"+in(""), 0o600)
	load := func() *Config {
		c, err := Load(path, known())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := load()
	if c.StateDir != filepath.Join(folder, "state") || c.Store != "file:"+filepath.Join(filepath.Dir(folder), "store") {
		t.Errorf("%q %q", c.StateDir, c.Store)
	}
	if want := []string{filepath.Join(home, "id"), filepath.Join(folder, "keys/id"), "/id"}; !slices.Equal(c.SSH.Keys, want) {
		t.Errorf("%q", c.SSH.Keys)
	}
	if c.SSH.KnownHosts[0] != filepath.Join(home, ".ssh/known_hosts") || c.SSH.ConfigFile != "" {
		t.Errorf("%q %q", c.SSH.KnownHosts, c.SSH.ConfigFile)
	}
	write(t, filepath.Join(home, ".ssh/config"), "", 0o600)
	if c := load(); c.SSH.ConfigFile != filepath.Join(home, ".ssh/config") || c.Clusters[0].SSH.ConfigFile != c.SSH.ConfigFile {
		t.Errorf("%q", c.SSH.ConfigFile)
	}
}

func TestDefaultPlaces(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	t.Setenv("XDG_STATE_HOME", "/state")
	c, err := Parse("f", []byte(in("")), known())
	if err != nil {
		t.Fatal(err)
	}
	want := "/state/clmgr"
	if os.Geteuid() == 0 {
		want = "/var/lib/clmgr"
	}
	host, _ := os.Hostname()
	if c.StateDir != want || c.Store != "file:"+want+"/store" || c.Manager != host {
		t.Errorf("%q %q %q", c.StateDir, c.Store, c.Manager)
	}
}

// What is set to nothing is not what is left out.
func TestUnsetIsNotZero(t *testing.T) {
	c, err := Parse("f", []byte(`
ssh: {agent: false, user: root, keys: [/a], bastion: b}
clusters:
  same: {ssh: {}, services: [{name: s, mode: mysql, ip: 10.0.0.1}]}
  unlike:
    ssh: {agent: true, user: "", keys: [], bastion: ""}
    database: {user: u, password: canary}
    services:
      - {name: s, mode: mysql, ip: 10.0.0.1, database: {password: ""}}
`), known())
	if err != nil {
		t.Fatal(err)
	}
	same, other := c.Cluster("same"), c.Cluster("unlike")
	if s := same.SSH; s.Agent || s.User != "root" || len(s.Keys) != 1 || s.Bastion != "b" {
		t.Errorf("%+v", s)
	}
	if s := other.SSH; !s.Agent || s.User != "" || len(s.Keys) != 0 || s.Bastion != "" {
		t.Errorf("%+v", s)
	}
	if db := other.Services[0].Database; db.User != "u" || !db.Password.Empty() || db.TLS != "off" {
		t.Errorf("%+v", db)
	}
}

func TestServicesAreComplete(t *testing.T) {
	c, err := Parse("f", []byte("modes: {m: {type: nosql, port: 7, tcp: }, cmd: {command: {run: x}}}\n"+in(`    services:
      - {name: a, mode: mysql, instance: db1}
      - {name: b, mode: m, ip: 10.0.0.2, timeout: 1s}
      - {name: c, mode: cmd, ip: 10.9.0.2, role: master}
      - {name: d, mode: proxy0, ip: 10.9.0.2, port: 1}
`)), known())
	if err != nil {
		t.Fatal(err)
	}
	ip := netip.MustParseAddr
	want := []Service{
		{Name: "a", Mode: "mysql", Type: "db", Instance: "db1", IP: ip("10.0.0.1"), Port: 3306, Timeout: 3 * time.Second},
		{Name: "b", Mode: "m", Type: "nosql", Instance: "db2", IP: ip("10.0.0.2"), Port: 7, Timeout: time.Second},
		{Name: "c", Mode: "cmd", Type: "other", IP: ip("10.9.0.2"), Role: "master", Timeout: 3 * time.Second},
		{Name: "d", Mode: "proxy0", Type: "proxy", IP: ip("10.9.0.2"), Port: 1, Role: "na", Timeout: 3 * time.Second},
	}
	for i := range want {
		want[i].Via, want[i].Database.TLS = "direct", "off"
	}
	if got := c.Clusters[0].Services; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c.Mode("m") == nil || c.Mode("mysql") != nil || c.Cluster("none") != nil || !slices.Equal(c.ClusterNames(), []string{"main"}) {
		t.Error("the accessors do not find what is there")
	}
}

func TestUnits(t *testing.T) {
	c, err := Parse("f", []byte(`
modes:
  own: {tcp: , port: 1, unit: own.service}
  lines: {tcp: , port: 1, start: a, stop: b}
`+in(`
    services:
      - {name: a, mode: mariadb, instance: db1}
      - {name: b, mode: mariadb, instance: db1, unit: mariadb@b}
      - {name: c, mode: own, instance: db1}
      - {name: d, mode: lines, instance: db1}
      - {name: e, mode: memcache, instance: db1}
`)), known())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Clusters[0].Services {
		got = append(got, s.Unit)
	}
	if want := []string{"mariadb", "mariadb@b", "own.service", "", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if m := c.Mode("lines"); m.Start != "a" || m.Stop != "b" || m.Restart != "" {
		t.Errorf("%+v", m)
	}
}

func TestMergeKeys(t *testing.T) {
	c, err := Parse("f", []byte(`
clusters:
  a:
    instances: [&i {name: db1, ip: 10.0.0.1, ssh: &s {user: u, port: 3}}]
    services: [&one {name: s1, mode: mysql, ip: 10.0.0.1}, {<<: [{role: slave}, *one], name: s2}]
  b:
    instances: [*i, {<<: *i, name: db2, ip: 10.0.0.2}]
`), known())
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Clusters[0].Services[1]; s.Name != "s2" || s.Mode != "mysql" || s.Role != "slave" {
		t.Errorf("%+v", s)
	}
	if i := c.Clusters[1].Instances[1]; i.Name != "db2" || i.SSH.User != "u" || i.SSH.Port != 3 {
		t.Errorf("%+v", i)
	}
}

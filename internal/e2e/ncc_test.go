package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// carried are two machines that get clmgr itself with their services.
type carried struct {
	*site
	*manager
	passwords map[string]string // of the databases, by machine
}

// nodeFiles are the files of clmgr on a machine, with what was left behind on the way.
const nodeFiles = `stat -c '%n %a %U %s %Y' /usr/local/lib/clmgr/* /etc/clmgr/* /etc/systemd/system/clmgr-node.service*; systemctl show -p InvocationID clmgr-node`

// TestBootstrapNCC brings clmgr itself to machines, where it looks after what runs there.
func TestBootstrapNCC(t *testing.T) {
	t.Parallel()
	k := &carried{site: &site{Lab: labtest.Up(t, lab.Debian12(), "m1", "m2")}, passwords: map[string]string{}}
	cl := &cluster{
		NCC:       true,
		Instances: []instance{{Name: "m1", IP: k.ip("m1")}, {Name: "m2", IP: k.ip("m2")}},
		Services: []service{
			{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
			{Name: "db2", Mode: "mariadb", Instance: "m2"},
			{Name: "cache2", Mode: "memcache", Instance: "m2", Managed: true},
		},
	}
	for n, machine := range []string{"m1", "m2"} {
		k.passwords[machine] = "password of " + machine
		file := filepath.Join(t.TempDir(), "password")
		must(t, os.WriteFile(file, []byte(k.passwords[machine]), 0o600))
		cl.Services[n].Database = map[string]any{"user": "clmgr", "password": map[string]any{"file": file}}
	}
	k.manager = newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "40s", "first_delay": "500ms", "longest_delay": "1s"},
		Daemon:    map[string]any{"interval": "500ms"},
		SSH:       k.ssh(), Clusters: map[string]*cluster{"demo": cl},
	})
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"killed on the way", k.killed},
		{"it looks after its machine", k.looks},
		{"a second time", k.again},
		{"what somebody has changed", k.repaired},
		{"a machine of another kind", k.otherKind},
	} {
		k.t = t
		if !t.Run(part.name, part.run) {
			return
		}
	}
}

// killed kills clmgr while it brings itself there; nothing half-written stays.
func (k *carried) killed(t *testing.T) {
	for _, after := range []time.Duration{200, 500, 900, 1500, 2500} {
		p := k.start("services", "bootstrap_ncc", "cache2", "--wait")
		select {
		case <-p.ended:
		case <-time.After(after * time.Millisecond):
			must(t, p.cmd.Process.Kill())
		}
		<-p.ended
		if k.on(t, "m2", "test -e /usr/local/lib/clmgr/clmgr && echo there || true") == "there" {
			k.on(t, "m2", "/usr/local/lib/clmgr/clmgr version") // whole, or not there
		}
	}
	k.run("services", "start", "db1", "--wait").want(t, 0)
	k.run("services", "start", "cache2", "--wait").want(t, 0)
	for _, machine := range []string{"m1", "m2"} {
		if left := k.on(t, machine, "ls -A /usr/local/lib/clmgr /etc/clmgr /etc/systemd/system | grep -F .new || true"); left != "" {
			t.Errorf("on %s there is %s", machine, left)
		}
	}
}

// looks asks what is there, and what it must not have.
func (k *carried) looks(t *testing.T) {
	for machine, service := range map[string]string{"m1": "db1", "m2": "cache2"} {
		if state := k.on(t, machine, "systemctl is-active clmgr-node; systemctl is-enabled clmgr-node"); state != "active\nenabled" {
			t.Errorf("on %s it is %s", machine, state)
		}
		eventually(t, service+" is seen", func() bool {
			list := k.on(t, machine, "/usr/local/lib/clmgr/clmgr -c /etc/clmgr/node.yaml -o table services status || true")
			return strings.Contains(list, service) && strings.Contains(list, "running")
		})
		text := k.on(t, machine, "cat /etc/clmgr/node.yaml; stat -c %a /etc/clmgr/node.yaml")
		for other, password := range k.passwords {
			if strings.Contains(text, password) != (other == machine) {
				t.Errorf("%s has the password of %s, or has it not:\n%s", machine, other, text)
			}
		}
		if !strings.HasSuffix(text, "\n600") || strings.Contains(text, "keys") || strings.Contains(text, "cloud") {
			t.Errorf("%s has\n%s", machine, text)
		}
	}
}

func (k *carried) again(t *testing.T) {
	before := k.on(t, "m1", nodeFiles) + k.on(t, "m2", nodeFiles)
	k.run("services", "start", "db1", "--wait").want(t, 0)
	k.run("services", "bootstrap_ncc", "cache2", "--wait").want(t, 0)
	if after := k.on(t, "m1", nodeFiles) + k.on(t, "m2", nodeFiles); after != before {
		t.Errorf("a second time changed\n%s\nto\n%s", before, after)
	}
}

// repaired has it come back as it was.
func (k *carried) repaired(t *testing.T) {
	sums := "sha256sum /usr/local/lib/clmgr/clmgr /etc/clmgr/node.yaml /etc/systemd/system/clmgr-node.service; systemctl is-active clmgr-node || true"
	before := k.on(t, "m2", sums)
	for _, damage := range []string{
		"truncate -s 1M /usr/local/lib/clmgr/clmgr.x; mv /usr/local/lib/clmgr/clmgr.x /usr/local/lib/clmgr/clmgr",
		"echo '# more' >>/etc/clmgr/node.yaml",
		"sed -i '/^Restart=/d' /etc/systemd/system/clmgr-node.service",
		"systemctl disable --now clmgr-node",
	} {
		k.on(t, "m2", damage)
		if got := plans(t, k.run("-o", "json", "services", "start", "cache2", "--dry-run").stdout)["cache2"]; !strings.Contains(got, "bootstrap_ncc due") {
			t.Errorf("after %s: %s", damage, got)
		}
		k.run("services", "bootstrap_ncc", "cache2", "--wait").want(t, 0)
		if after := k.on(t, "m2", sums); after != before {
			t.Errorf("after %s\n%s\nit is\n%s", damage, before, after)
		}
	}
}

// otherKind has no program for the machine, and says what it would need.
func (k *carried) otherKind(t *testing.T) {
	k.on(t, "m2", `printf '#!/bin/sh\necho riscv64\n' >/usr/local/bin/uname; chmod 755 /usr/local/bin/uname; rm /usr/local/lib/clmgr/clmgr`)
	k.run("services", "bootstrap_ncc", "cache2", "--wait").want(t, 1, "cannot put clmgr on m2: it is a riscv64, and there is a program for ")
	programs := t.TempDir()
	must(t, os.Symlink(program(), filepath.Join(programs, "clmgr-riscv64")))
	k.Daemon["programs"] = programs
	k.configure()
	k.run("services", "bootstrap_ncc", "cache2", "--wait").want(t, 0)
	if state := k.on(t, "m2", "systemctl is-active clmgr-node"); state != "active" {
		t.Error(fmt.Sprint("it is ", state))
	}
}

package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
)

// hostKeys are verified: an unknown one is refused unless accept-new was asked for,
// a changed one by both.
func hostKeys(t *testing.T, s *site) {
	known := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(known, nil, 0o600))
	strict, trusting := s.sample().only("m4"), s.sample().only("m4")
	for _, c := range []conf{strict, trusting} {
		c.SSH["known_hosts"] = []string{known}
	}
	trusting.SSH["host_key"] = "accept-new"
	fingerprint := strings.Fields(s.on(t, "m4", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"))[1]

	unknown := newManager(t, strict).heartbeat(3)
	wantHostKey(t, unknown, "not known", fingerprint, "ssh-keyscan", known, "accept-new")
	if e := unknown.service(t, "nosql4"); e.State != "running" {
		t.Errorf("what needs no SSH is %+v", e)
	}
	if text := read(t, known); len(text) != 0 {
		t.Errorf("strict wrote %q", text)
	}
	believer := newManager(t, trusting)
	believer.heartbeat(0)
	accepted := string(read(t, known))
	if strings.Count(accepted, "\n") != 1 || !strings.Contains(accepted, s.ip("m4")) {
		t.Errorf("accepted: %q", accepted)
	}
	believer.heartbeat(0)
	newManager(t, strict).heartbeat(0)

	t.Cleanup(func() {
		_, _, err := s.Machine("m4").Run(context.Background(), "cp -a /root/own-keys/* /etc/ssh && systemctl restart ssh", nil)
		must(t, err)
	})
	s.on(t, "m4", "mkdir -p /root/own-keys && cp -a /etc/ssh/ssh_host_* /root/own-keys && rm /etc/ssh/ssh_host_* && ssh-keygen -A && systemctl restart ssh")
	must(t, s.Machine("m4").WaitSSH(t.Context()))
	changed := believer.heartbeat(3)
	wantEvents(t, changed.Events, "demo/instances/m4: running → pending")
	wantHostKey(t, changed, "has changed", "ssh-keygen -f "+known)
	wantHostKey(t, newManager(t, strict).heartbeat(3), "has changed")
	if now := string(read(t, known)); now != accepted {
		t.Errorf("known_hosts was changed from %q to %q", accepted, now)
	}
}

func wantHostKey(t *testing.T, d document, words ...string) {
	t.Helper()
	e := d.instance(t, "m4")
	if e.State != "pending" || e.SSH != "host-key" {
		t.Errorf("m4 is %+v", e)
	}
	for _, w := range words {
		if !strings.Contains(e.Reason, w) {
			t.Errorf("%q is not said: %s", w, e.Reason)
		}
	}
}

// wrongLogin is a machine that answers and does not take us.
func wrongLogin(t *testing.T, s *site) {
	c := s.sample().only("m4")
	c.SSH["user"] = "nobody"
	if e := newManager(t, c).heartbeat(3).instance(t, "m4"); e.State != "pending" || e.SSH != "auth" || !strings.Contains(e.Reason, "nobody") {
		t.Errorf("m4 is %+v", e)
	}
	s.on(t, "m4", "systemctl stop ssh")
	defer s.on(t, "m4", "systemctl start ssh")
	if e := newManager(t, s.sample().only("m4")).heartbeat(3).instance(t, "m4"); e.State != "unreachable" || e.SSH != "refused" || !strings.Contains(e.Reason, "the host answers") {
		t.Errorf("m4 is %+v", e)
	}
}

// bastion is the only way to a machine.
func bastion(t *testing.T, s *site) {
	c := s.sample().only("m4")
	demo := c.Clusters["demo"]
	demo.Services = append(demo.Services, service{Name: "boot4", Mode: "boot", Instance: "m4"})
	for i := range demo.Services {
		demo.Services[i].Via = "ssh"
	}
	s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m4"}})
	m := newManager(t, c)
	m.hasten("500ms")
	if e := m.heartbeat(3).instance(t, "m4"); e.State != "unreachable" {
		t.Errorf("m4 is cut off, and %+v", e)
	}
	m.SSH["bastion"] = "root@" + s.ip("m1")
	m.hasten(patience)
	m.heartbeat(0)
	s.cut(t, lab.Cut{From: []string{"m1"}, To: []string{"m4"}})
	m.hasten("500ms")
	if e := m.heartbeat(3).instance(t, "m4"); e.State == "running" {
		t.Errorf("m4 is cut off from the bastion, and %+v", e)
	}
}

// throughSSH is the way to a port that is open on the machine only.
func throughSSH(t *testing.T, s *site) {
	direct, tunnelled := s.sample().only("m2", "m4"), s.sample().only("m2", "m4")
	services := tunnelled.Clusters["demo"].Services
	for i := range services {
		services[i].Via = "ssh"
	}
	s.cut(t, lab.Cut{From: []string{lab.Host}, To: []string{"m2"}, Port: 3306})
	s.on(t, "m4", "cp -p /etc/memcached.conf /root && sed -i 's/^-l .*/-l 127.0.0.1/' /etc/memcached.conf && systemctl restart memcached")
	t.Cleanup(func() {
		_, _, err := s.Machine("m4").Run(context.Background(), "cp -p /root/memcached.conf /etc && systemctl restart memcached", nil)
		must(t, err)
	})
	m := newManager(t, direct)
	m.hasten("500ms")
	d := m.heartbeat(3)
	for _, name := range []string{"node11", "nosql4"} {
		if e := d.service(t, name); e.State == "running" {
			t.Errorf("%s cannot be reached, and is %+v", name, e)
		}
	}
	if e := newManager(t, tunnelled).heartbeat(0).service(t, "node11"); e.Status != "slave" {
		t.Errorf("node11 is %+v", e)
	}
}

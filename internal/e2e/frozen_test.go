package e2e_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// frozenDatabase freezes a database that clmgr has not installed: its watchdog has it
// restarted, once, and whoever is told of alerts hears of it twice, when it began and when
// it was over.
func frozenDatabase(t *testing.T, s *site) {
	c, place := s.sample().only("m2"), newSink(t, "127.0.0.1")
	c.Daemon = map[string]any{"interval": "500ms", "listen": ""}
	c.Alerts = map[string]any{"group_wait": "500ms", "places": map[string]any{"ops": map[string]any{"webhook": map[string]any{"url": place.URL}}}}
	c.Heartbeat["probe_timeout"] = "1s"
	demo := c.Clusters["demo"]
	demo.Automatic = true
	for n := range demo.Services {
		demo.Services[n].Watchdog = "2s"
	}
	m := newManager(t, c)
	m.heartbeat(0)
	invocation := func() string {
		t.Helper()
		return s.on(t, "m2", "systemctl show --property=InvocationID --value mariadb")
	}
	before := invocation()
	daemon := m.start("daemon")
	eventually(t, "the daemon looks", func() bool { return strings.Contains(m.run("services", "status").stdout, "node11") })

	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\ntold: %+v", daemon.stderr.String(), place.about("node11"))
		}
	})
	s.signal(t, "m2", "mariadbd", "STOP")
	eventually(t, "it is restarted", func() bool { return invocation() != before })
	after := invocation()
	eventually(t, "the end is told", func() bool { return len(place.about("node11")) == 2 })
	var got []string
	for _, one := range place.about("node11") {
		got = append(got, one.What)
	}
	list := place.about("node11")
	if want := []string{"opened", "ended"}; !slices.Equal(got, want) || list[0].Incident != list[1].Incident || list[0].ID == list[1].ID {
		t.Errorf("told: %+v", list)
	}
	var seen []string
	for _, e := range m.log() {
		switch {
		case e.Type == "services" && e.Name == "node11" && e.Code != "ER0001": // on its way to replicate again
			seen = append(seen, e.Code)
		case e.Type == "rules" && e.Name == "watchdog/demo/node11":
			seen = append(seen, e.State)
		}
	}
	if want := []string{"ER0003", "acts", "000000"}; !slices.Equal(seen[max(0, len(seen)-3):], want) {
		t.Errorf("events: %q", seen)
	}
	if now := invocation(); now != after {
		t.Error("it was restarted twice")
	}
	if a := m.run("-o", "table", "rules", "list").want(t, 0); !strings.Contains(a.stdout, "watchdog/demo/node11") {
		t.Errorf("%s", a.stdout)
	}
	must(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
	daemon.wait().want(t, 0)
}

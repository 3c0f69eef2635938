package e2e_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

// twoClusters in one configuration use the same names, and one address both.
func twoClusters(t *testing.T, s *site) {
	c := s.sample()
	c.Clusters = map[string]*cluster{
		"east": {
			Instances: []instance{{Name: "a", IP: s.ip("m4")}},
			Services:  []service{{Name: "cache", Mode: "memcache", Instance: "a"}},
		},
		"west": {
			Instances: []instance{{Name: "a", IP: s.ip("m5")}, {Name: "b", IP: s.ip("m4")}},
			Services:  []service{{Name: "cache", Mode: "memcache", Instance: "a"}},
		},
	}
	m := newManager(t, c)
	wantOnly(t, m.heartbeat(0), "east", "west")

	s.stopMemcached(t, "m5")
	wantEvents(t, m.heartbeat(0, "all", "all", "--cluster", "east").Events)
	east := read(t, m.record("east"))
	const stopped, started = "west/services/cache: running → Memcache communication failure", "west/services/cache: Memcache communication failure → running"
	looked := m.heartbeat(3, "west")
	wantOnly(t, looked, "west")
	wantEvents(t, looked.Events, stopped)
	if !bytes.Equal(east, read(t, m.record("east"))) {
		t.Error("a look at west changed what is remembered of east")
	}
	both := m.heartbeat(3, "cache")
	if e := both.entry(t, "east/services/cache"); e.State != "running" {
		t.Errorf("the cache in east is %+v", e)
	}
	wantEvents(t, both.Events)
	s.startMemcached(t, "m5")
	piped := parse(t, m.pipe("{level:'instances',command:{action:'heartbeat',cluster:'west'}}").want(t, 0).stdout)
	wantOnly(t, piped, "west")
	wantEvents(t, piped.Events, started)
	wantOnly(t, m.heartbeat(0, "--last", "--cluster", "east"), "east")
	// The address of m4 is that of a machine in each.
	wantOnly(t, m.heartbeat(0, s.ip("m4")), "east", "west")

	for name, want := range map[string][]string{"east": nil, "west": {stopped, started}} {
		wantEvents(t, parse(t, m.run("-o", "json", "--cluster", name, "events", "list").want(t, 0).stdout).Events, want...)
	}
}

// wantOnly checks that the document is about these clusters.
func wantOnly(t *testing.T, d document, clusters ...string) {
	t.Helper()
	seen := map[string]bool{}
	for name := range d.entries() {
		cluster, _, _ := strings.Cut(name, "/")
		seen[cluster] = true
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, clusters) {
		t.Errorf("the document is about %v, want %v", got, clusters)
	}
}

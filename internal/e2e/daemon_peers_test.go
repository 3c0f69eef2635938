package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// peerConfig is of one of three managers that watch one another and tell two places.
const peerConfig = `
manager: %[1]s
state_dir: /var/lib/clmgr
store: memcached://%[2]s
store_key: sixteen characters
heartbeat: {deadline: 2s, probe_timeout: 1s}
daemon: {interval: 1s}
peers: {interval: 500ms, ttl: 6s}
alerts:
  group_wait: 500ms
  first_delay: 500ms
  longest_delay: 1s
  timeout: 2s
  places: {ops: {webhook: {url: '%[3]s/ops'}}, chat: {webhook: {url: '%[3]s/chat'}}}
  routes: [{to: [ops, chat], names: [d1, d2, d3]}]
clusters: {c: {instances: [{name: %[1]s, ip: %[4]s, here: true}]}}
`

// threeDaemons are daemons on three machines.
type threeDaemons struct {
	*site
	place *sink
}

// TestThreeDaemons cuts one of three daemons off: each of the others tells each of its
// places once, the one that is cut off does so when it can again, and all tell once that
// it is over.
func TestThreeDaemons(t *testing.T) {
	t.Parallel()
	names := []string{"d1", "d2", "d3"}
	s := threeDaemons{site: &site{Lab: labtest.Up(t, lab.Debian12(), names...)}}
	s.place = newSink(t, s.HostIP().String())
	store := memcachedtest.Start(t, s.HostIP().String())
	for _, name := range names {
		m := s.Machine(name)
		must(t, m.Copy(t.Context(), program(), "/usr/local/bin/clmgr"))
		s.on(t, name, "chmod 755 /usr/local/bin/clmgr; mkdir -p /etc/clmgr")
		text := fmt.Sprintf(peerConfig, name, store.Address, s.place.URL, s.ip(name))
		must(t, m.Write(t.Context(), "/etc/clmgr/clmgr.yaml", 0o600, strings.NewReader(text)))
		s.on(t, name, "clmgr daemon install")
	}
	eventually(t, "all see all", func() bool { return strings.Count(s.on(t, "d3", "clmgr -o table peers list || true"), "running") == 3 })
	time.Sleep(8 * time.Second) // until the windows are long enough for phi

	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, one := range s.place.all() {
			t.Logf("%s %s: %s %s by %s", one.path, one.ID, one.Event.Name, one.What, one.Event.Manager)
		}
		for _, name := range names {
			for _, command := range []string{"clmgr -o table events list", "clmgr -o table alerts list"} {
				out, _, err := s.Machine(name).Run(context.Background(), command, nil)
				t.Logf("%s: %s, %v", name, out, err)
			}
		}
	})
	heal := s.cut(t, lab.Cut{From: []string{"d1"}})
	s.hears(t, "the cut", map[string]string{"d2": "d1 opened", "d3": "d1 opened"})
	s.isolated(t, "d1")
	heal()
	s.hears(t, "its end", map[string]string{
		"d1": "d1 opened, d1 ended", "d2": "d1 opened, d1 ended", "d3": "d1 opened, d1 ended",
	})
	heal = s.cut(t, lab.Cut{From: []string{"d3"}, OneWay: true})
	s.hears(t, "a cut of one direction", map[string]string{
		"d1": "d1 opened, d1 ended, d3 opened", "d2": "d1 opened, d1 ended, d3 opened", "d3": "d1 opened, d1 ended",
	})
	s.isolated(t, "d3")
	heal()
	s.hears(t, "the end of that", map[string]string{
		"d1": "d1 opened, d1 ended, d3 opened, d3 ended", "d2": "d1 opened, d1 ended, d3 opened, d3 ended",
		"d3": "d1 opened, d1 ended, d3 opened, d3 ended",
	})
	for _, name := range names {
		s.on(t, name, "clmgr daemon uninstall")
	}
}

// isolated waits until a manager knows that it sees nobody any more.
func (s threeDaemons) isolated(t *testing.T, name string) {
	t.Helper()
	eventually(t, name+" is isolated", func() bool {
		return strings.Contains(s.on(t, name, "clmgr -o table events list"), "manager "+name+": seeing → isolated")
	})
}

// hears waits until the places have been told by each manager what is wanted, each the
// same, and then some more for what they should not be told. A message whose answer was
// cut off comes again under its key and counts once.
func (s threeDaemons) hears(t *testing.T, when string, want map[string]string) {
	t.Helper()
	places := []string{"/chat", "/ops"}
	by := func(manager, path string) string {
		var out []string
		for _, one := range s.place.distinct(t) {
			if one.Event.Manager == manager && one.path == path {
				out = append(out, one.Event.Name+" "+one.What)
			}
		}
		return strings.Join(out, ", ")
	}
	for manager, told := range want {
		for _, path := range places {
			eventually(t, fmt.Sprintf("%s: %s told by %s to %s", when, told, manager, path), func() bool { return len(by(manager, path)) >= len(told) })
		}
	}
	time.Sleep(3 * time.Second)
	for _, manager := range []string{"d1", "d2", "d3"} {
		for _, path := range places {
			if got := by(manager, path); got != want[manager] {
				t.Errorf("%s: %s told %s %q, want %q", when, manager, path, got, want[manager])
			}
		}
	}
}

package manager

import (
	"slices"
	"strings"
	"testing"
)

// The daemon has a loop for everything that the configuration has something to do for,
// and no other.
func TestLoops(t *testing.T) {
	names := func(m *Manager) string {
		t.Helper()
		loops, err := m.loops(NewUpkeep())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, l := range loops {
			out = append(out, l.Name)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := names(managerFor(t, "manager: a")); got != "heartbeat queue" {
		t.Errorf("of next to nothing: %s", got)
	}
	everything := watched(t, `
  c:
    instances: [{name: m1, ip: 127.0.0.1}]
    units: {watch: [{unit: cron}]}
    host: {}
    metrics: [{name: lag, url: 'http://127.0.0.1:1', query: lag, compare: "> 30"}]
    logs:
      - {name: errors, instance: m1, unit: cron, match: [{name: m, regexp: a}]}
      - {name: file, instance: m1, file: /var/log/x, match: [{name: m, regexp: a}]}
peers: {watch: always}
doctor: {scripts: [/bin/true]}
rules: {note: {when: {type: logs}, do: {script: {path: /bin/true}}}}
alerts: {places: {ops: {program: [/bin/true]}}}
`)
	const want = "alerts doctor heartbeat hosts logs/c/file/file logs/c/journal/m1 metrics peers queue rules units"
	if got := names(everything); got != want {
		t.Errorf("of everything: %s\nwant %s", got, want)
	}
}

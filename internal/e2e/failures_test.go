package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nothingChangesAmongFailures: what stays dead or hung is told in the same words by
// every look, whichever of its time-outs and the network's own word comes first.
func nothingChangesAmongFailures(t *testing.T, s *site) {
	c := s.sample()
	demo := c.Clusters["demo"]
	demo.Services = append(demo.Services,
		service{Name: "inner3", Mode: "memcache", Instance: "m3", Via: "ssh"},
		service{Name: "inner4", Mode: "memcache", Instance: "m4", Via: "ssh"})
	m := newManager(t, c)
	m.heartbeat(0)
	must(t, s.Machine("m3").Kill(t.Context()))
	t.Cleanup(func() { must(t, s.Machine("m3").PowerOn(context.Background())) })
	s.signal(t, "m2", "mariadbd", "STOP")
	s.signal(t, "m4", "sshd", "STOP")

	byArgument := func() string { return m.run("-o", "json", "instances", "heartbeat").want(t, 3).stdout }
	const asked = `{"level":"instances","command":{"action":"heartbeat","group":"all","type":"all"}}`
	byPipe := func() string { return spread(t, m.pipe(asked).want(t, 3).stdout) }
	for turn, wait := range []string{"2s", "3s", "4s"} { // the network says after three that nobody is there
		m.hasten(wait)
		told := m.heartbeat(3).Events
		if turn > 0 {
			wantEvents(t, told)
		} else {
			wantFailures(t, told)
		}
		for name, again := range map[string]func() string{"by argument": byArgument, "by standard input": byPipe} {
			if diff := cmp.Diff(hostless(t, timeless(byArgument())), hostless(t, timeless(again()))); diff != "" {
				t.Errorf("with %s for what is silent, another look %s (-first +second):\n%s", wait, name, diff)
			}
		}
	}
	s.powerOn(t, "m3")
	s.startMemcached(t, "m3")
}

// hostless is an indented document without what it tells of this host, whose network
// interfaces come and go with the labs of other tests while a look waits for what is silent.
func hostless(t *testing.T, text string) string {
	t.Helper()
	out := regexp.MustCompile(`(?s)\n  "host": \{.*?\n  \},`).ReplaceAllString(text, "")
	if len(out) == len(text) {
		t.Fatalf("nothing is told of this host: %s", text)
	}
	return out
}

// spread breaks the one line that answers standard input as -o json does.
func spread(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	must(t, json.Indent(&b, []byte(text), "", "  "))
	return b.String()
}

func wantFailures(t *testing.T, told []event) {
	t.Helper()
	wantEvents(t, told,
		"demo/instances/m3: running → unreachable",
		"demo/instances/m4: running → pending",
		"demo/services/node11: running → Database communication failure",
		"demo/services/nosql2: running → Memcache communication failure",
		"demo/services/sshd3: running → Database communication failure",
		"demo/services/boot3: running → Remote manager communication failure",
		"demo/services/inner3: running → Remote manager communication failure",
		"demo/services/inner4: running → Remote manager communication failure",
	)
}

package actions

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func TestParseTrigger(t *testing.T) {
	at := func(kind heartbeat.Kind, ip, state string) Trigger {
		return Trigger{IP: netip.MustParseAddr(ip), Kind: kind, State: state}
	}
	for text, want := range map[string]Trigger{
		"":                             {},
		"instances:10.0.0.102:running": at(heartbeat.Instances, "10.0.0.102", "running"),
		"services:10.0.0.1:Memcache communication failure": at(heartbeat.Services, "10.0.0.1", "Memcache communication failure"),
		"instances:fd00::1:stopped":                        at(heartbeat.Instances, "fd00::1", "stopped"),
		"instances:[fd00::1]:stopped":                      at(heartbeat.Instances, "fd00::1", "stopped"),
		"machines:10.0.0.1:flying":                         at("machines", "10.0.0.1", "flying"), // Add knows the words
	} {
		if got, err := ParseTrigger(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"running":                  "want KIND:IP:STATE",
		"instances:running":        "want KIND:IP:STATE",
		"instances::running":       "want KIND:IP:STATE",
		"instances:10.0.0.1:":      "want KIND:IP:STATE",
		"instances:10.0.0:running": `"10.0.0" is not an ip`,
		"instances:m1:running":     `"m1" is not an ip`,
		"::":                       "want KIND:IP:STATE",
	} {
		if got, err := ParseTrigger(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestParseDo(t *testing.T) {
	for text, want := range map[string]command.Command{
		"services:start:node10":  {Level: "services", Action: "start", Group: "node10"},
		"instances:stop:fd00::1": {Level: "instances", Action: "stop", Group: "fd00::1"},
	} {
		if got, err := ParseDo(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "start", "services:start", "services:start:", ":start:node10", "services::node10"} {
		if got, err := ParseDo(text); err == nil || !strings.Contains(err.Error(), "want LEVEL:ACTION:GROUP") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// What was read as a trigger or as what to do is written so that it reads the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"instances:10.0.0.102:running", "services:[fd00::1]:stopped", "services:start:node10", "a:fe80::1%e:b:c", "::", "a:[:b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if when, err := ParseTrigger(text); err == nil && when != (Trigger{}) {
			if again, err := ParseTrigger(when.String()); err != nil || again != when || !when.IP.IsValid() || when.State == "" {
				t.Errorf("%q read as %s, then as %s, %v", text, when, again, err)
			}
		}
		if do, err := ParseDo(text); err == nil && do.Level+":"+do.Action+":"+do.Group != text {
			t.Errorf("%q read as %+v", text, do)
		}
	})
}

func TestHeldBy(t *testing.T) {
	s := status(t, "m1=running m2/i-2=running node1@m1=running node2@m2=running")
	for _, c := range []struct{ hold, action, held string }{
		{"node1", "start node1", "node1"},
		{"node1", "start node2", ""},
		{"node1", "stop m1", "node1"}, // the machine with it
		{"node1", "stop m2", ""},
		{"node1", "start all", "node1"}, // what covers more
		{"m1", "start node1", "m1"},
		{"m1", "stop m1", "m1"},
		{"10.0.0.2", "start node2", "10.0.0.2"},
		{"i-2", "start node2", "i-2"},
		{"m2", "stop 10.0.0.2", "m2"},
		{"all", "start node1", "all"},
		{"prod", "start node1", "prod"},
		{"other/all", "start node1", ""},
		{"prod/node1", "start node1", "node1"},
		{"other/node1", "start all", ""},
		{"node9", "start node9 when m1 running", "node9"}, // known from its hold alone
		{"m1", "start node9 when m1 running", "m1"},       // and from what it waits for
	} {
		q := &Queue{}
		cluster, group, of := strings.Cut(c.hold, "/")
		if !of {
			cluster, group = "", c.hold
		}
		if _, err := q.Hold("w", Hold{Cluster: cluster, Group: group, Reason: "x", At: t0}); err != nil {
			t.Fatal(err)
		}
		a := actionIn(t, &Queue{}, c.action)
		if ip, err := netip.ParseAddr(a.Do.Group); err == nil && ip.IsValid() {
			a.Do.Level = "instances"
		}
		if h, is := q.HeldBy(a, s, t0); is != (c.held != "") || h.Group != c.held {
			t.Errorf("%s held, %s: held by %q, %v", c.hold, c.action, h.Group, is)
		}
		q.Release("", group, t0)
		if h, is := q.HeldBy(a, s, t0); is {
			t.Errorf("%s released, %s: held by %q", c.hold, c.action, h.Group)
		}
	}
}

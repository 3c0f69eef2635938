package provision

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestServedMissing(t *testing.T) {
	s := served{
		name: "lb", unit: "haproxy", path: "/etc/x", loaded: func(text string) string { return "tag-" + text },
		extra:  []file{{"/etc/y", "0755", "y"}},
		render: func(facts string) (string, error) { return facts, nil },
	}
	whole := func() reply {
		return reply{
			out: "facts eth0\n", told: "tag-eth0", units: map[string]unitSeen{"haproxy": {active: true, enabled: true}},
			sums: map[string]string{"/etc/x": sum("eth0"), "/etc/y": sum("y")}, modes: map[string]string{"/etc/y": "755"},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*reply)
		want   string
	}{
		{"nothing", func(*reply) {}, ""},
		{"stopped", func(r *reply) { r.told, r.units["haproxy"] = "", unitSeen{enabled: true} }, ""},
		{"no files", func(r *reply) { r.sums, r.modes = nil, nil }, "/etc/x is not as configured; /etc/y is not as configured"},
		{"another mode", func(r *reply) { r.modes["/etc/y"] = "700" }, "/etc/y is not as configured"},
		{"pending", func(r *reply) { r.out += "pending\n" }, "a change of /etc/x was cut short"},
		{"not enabled", func(r *reply) { r.units["haproxy"] = unitSeen{active: true} }, "the unit haproxy is not started at boot"},
		{"another one runs", func(r *reply) { r.told = "tag-eth1" }, "the haproxy that runs has another configuration"},
		{"none that tells runs", func(r *reply) { r.told = "" }, "the haproxy that runs has another configuration"},
	} {
		r := whole()
		c.change(&r)
		seen, err := s.read(r)
		if got := strings.Join(seen.missing, "; "); err != nil || got != c.want || seen.text != "eth0" {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	s.render = func(string) (string, error) { return "", errors.New("no facts") }
	if _, err := s.read(whole()); err == nil {
		t.Error("a file that cannot be made is missing nothing")
	}
}

// Writes go to the one with the role, reads to the others; the rest step in.
func TestHAProxySettings(t *testing.T) {
	at := netip.MustParseAddrPort
	h := HAProxy{Name: "lb", Write: 1, Read: 2, Page: 3, Databases: []Backend{
		{"db1", at("10.0.0.1:3306"), 9200, true}, {"db2", at("10.0.0.2:3306"), 9200, false}, {"db3", at("[fd00::3]:3306"), 9200, false},
	}}
	servers := func() string {
		var out []string
		for line := range strings.Lines(confText(t, h.conf)) {
			if words := strings.Fields(line); len(words) > 1 && (words[0] == "listen" || words[0] == "server") {
				out = append(out, words[1]+strings.TrimPrefix(words[len(words)-1], "9200"))
			}
		}
		return strings.Join(out, " ")
	}
	if got := servers(); got != "writeswrites db1 db2backup db3backup readsreads db1backup db2 db3" {
		t.Error(got)
	}
	tag := haproxyLoaded(confText(t, h.conf))
	if !strings.HasPrefix(tag, "clmgr-") || len(tag) != len("clmgr-")+16 {
		t.Errorf("the tag is %q", tag)
	}
	h.Databases = h.Databases[:1]
	if got := servers(); got != "writeswrites db1 readsreads db1" {
		t.Error(got)
	}
	if haproxyLoaded(confText(t, h.conf)) == tag {
		t.Error("another configuration has the same tag")
	}
}

func confText(t *testing.T, conf func() (string, error)) string {
	t.Helper()
	text, err := conf()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

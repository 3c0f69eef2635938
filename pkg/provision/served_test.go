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
	const same = "facts eth0\nenabled\nrunning tag-eth0\n"
	sums := "sum " + sum("eth0") + " -\nextra " + sum("y") + " - 755 /etc/y\n"
	for _, c := range []struct{ name, out, want string }{
		{"nothing", same + sums, ""},
		{"stopped", "facts eth0\nenabled\n" + sums, ""},
		{"no files", same, "/etc/x is not as configured; /etc/y is not as configured"},
		{"another mode", same + strings.Replace(sums, "755", "700", 1), "/etc/y is not as configured"},
		{"pending", same + sums + "pending\n", "a change of /etc/x was cut short"},
		{"not enabled", strings.Replace(same, "enabled\n", "", 1) + sums, "the unit haproxy is not started at boot"},
		{"another one runs", strings.Replace(same, "tag-eth0", "tag-eth1", 1) + sums, "the haproxy that runs has another configuration"},
		{"none that tells runs", strings.Replace(same, "running tag-eth0", "running ", 1) + sums, "the haproxy that runs has another configuration"},
	} {
		seen, err := s.parse(c.out)
		if got := strings.Join(seen.missing, "; "); err != nil || got != c.want || seen.text != "eth0" {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	s.render = func(string) (string, error) { return "", errors.New("no facts") }
	if _, err := s.parse(same); err == nil {
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
		for line := range strings.Lines(h.conf()) {
			if words := strings.Fields(line); len(words) > 1 && (words[0] == "listen" || words[0] == "server") {
				out = append(out, words[1]+strings.TrimPrefix(words[len(words)-1], "9200"))
			}
		}
		return strings.Join(out, " ")
	}
	if got := servers(); got != "writeswrites db1 db2backup db3backup readsreads db1backup db2 db3" {
		t.Error(got)
	}
	tag := haproxyLoaded(h.conf())
	if !strings.HasPrefix(tag, "clmgr-") || len(tag) != len("clmgr-")+16 {
		t.Errorf("the tag is %q", tag)
	}
	h.Databases = h.Databases[:1]
	if got := servers(); got != "writeswrites db1 readsreads db1" {
		t.Error(got)
	}
	if haproxyLoaded(h.conf()) == tag {
		t.Error("another configuration has the same tag")
	}
}

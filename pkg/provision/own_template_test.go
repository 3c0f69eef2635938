package provision

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The templates make what was tried on machines, to the letter.
func TestTemplates(t *testing.T) {
	at := netip.MustParseAddrPort
	ip := netip.MustParseAddr
	h := HAProxy{Name: "lb", Write: 3307, Read: 3308, Page: 8404, Databases: []Backend{
		{"db1", at("10.0.0.1:3306"), 9200, true}, {"db2", at("10.0.0.2:3306"), 9200, false}, {"db3", at("[fd00::3]:3306"), 9200, false},
	}}
	k := Keepalived{Name: "vip1", Addr: ip("10.0.0.3"), VIP: ip("10.0.0.100"), RouterID: 100, Priority: 190, Peers: []netip.Addr{ip("10.0.0.4")}, Page: 8404}
	bare := Keepalived{Name: "vip2", Addr: ip("fd00::3"), VIP: ip("fd00::100"), RouterID: 1, Priority: 200}
	c := Memcached{Name: "cache1", Addr: at("10.0.0.5:11211"), MemPct: 25}
	for name, conf := range map[string]func() (string, error){
		"haproxy.cfg":           h.conf,
		"keepalived.conf":       func() (string, error) { return k.conf("eth0") },
		"keepalived-alone.conf": func() (string, error) { return bare.conf("eth0") },
		"memcached.conf":        func() (string, error) { return c.conf(1 << 20) },
	} {
		want, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), confText(t, conf)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// A template of somebody's own makes the file, unless it leaves out what clmgr depends on.
func TestOwnTemplates(t *testing.T) {
	ip := netip.MustParseAddr
	db := Backend{"db1", netip.MustParseAddrPort("10.0.0.1:3306"), 9200, true}
	haproxy := func(own string) (string, error) {
		return HAProxy{Name: "lb", Write: 3307, Read: 3308, Page: 8404, Databases: []Backend{db}, Template: own}.conf()
	}
	keepalived := func(own string) (string, error) {
		return Keepalived{Name: "vip", Addr: ip("10.0.0.3"), VIP: ip("10.0.0.100"), RouterID: 7, Priority: 9, Page: 8404, Template: own}.conf("eth0")
	}
	memcached := func(own string) (string, error) {
		return Memcached{Name: "cache", Addr: netip.MustParseAddrPort("10.0.0.5:11211"), Template: own}.conf(1 << 20)
	}
	for _, c := range []struct {
		conf      func(string) (string, error)
		own, want string
	}{
		{haproxy, strings.Replace(haproxyTemplate, "retries 3", "retries 7", 1), ""},
		{haproxy, strings.Replace(haproxyTemplate, "admin.sock", "other.sock", 1), "its template makes a configuration without stats socket /run/haproxy/admin.sock, by which"},
		{haproxy, strings.Replace(haproxyTemplate, "{{ .alive }}", "/up", 1), "without monitor-uri /alive"},
		{haproxy, strings.Replace(haproxyTemplate, "bind :{{ .read }}", "bind :33080", 1), "without a line that binds port 3308, for reads"},
		{haproxy, haproxyTemplate + "\n\tdescription mine\n", "its template gives a description"},
		{haproxy, "{{ .databases.x }}", "its template:1:13: a list has no parts"},
		{haproxy, "{{ .port }}", "there is no port, only alive, databases, name, page, read, write"},
		{keepalived, strings.Replace(keepalivedTemplate, "advert_int 0.5", "advert_int 1", 1), ""},
		{keepalived, strings.Replace(keepalivedTemplate, "{{ .vip }}", "10.0.0.101", 1), "without the line 10.0.0.100 of its virtual_ipaddress"},
		{keepalived, strings.Replace(keepalivedTemplate, "{{ .alive }}\"", "/bin/true\"", 1), "without the script /etc/keepalived/clmgr-alive"},
		{keepalived, strings.Replace(keepalivedTemplate, "track_script", "track_file", 1), "without track_script"},
		{memcached, memcachedTemplate + "-c 4096", ""},
		{memcached, "-p {{ .port }}\n-l 127.0.0.1\n", "without -l 10.0.0.5, where clmgr asks it"},
		{memcached, "-p 1\n-l {{ .ip }}\n", "without -p 11211"},
	} {
		text, err := c.conf(c.own)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q, of\n%s", err, c.want, c.own)
		}
		if err == nil && (!strings.HasPrefix(text, "# Written by clmgr for the service ") || !strings.HasSuffix(text, "\n")) {
			t.Errorf("it begins or ends otherwise:\n%s", text)
		}
	}
}

// Settings come last, so that they win over clmgr's defaults, and are no reason for a restart
// of a server that is adopted.
func TestFurtherSettings(t *testing.T) {
	d := database()
	plain := d.conf(1 << 20)
	d.Settings = []string{"max_connections = 500", "sync_binlog = 0"}
	want := plain + "# The configuration's own settings.\nmax_connections = 500\nsync_binlog = 0\n"
	if got := d.conf(1 << 20); got != want {
		t.Error(cmp.Diff(want, got))
	}
	bare := database()
	with, without := d.compare(found(d), nil), bare.compare(found(bare), nil)
	if diff := cmp.Diff(without.Settings, with.Settings); diff != "" {
		t.Error(diff)
	}
}

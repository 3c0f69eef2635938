package collect

import (
	"net/netip"
	"sort"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func example() Cluster {
	service := func(name, mode, kind, ip string) Service {
		return Service{Target: services.Target{Name: name, Mode: mode}, Type: kind, IP: addr(ip)}
	}
	return Cluster{
		Name: "prod",
		Machines: []Machine{
			{Name: "m1", SSH: remote.Machine{IP: addr("10.0.0.1")}},
			{Name: "m2", SSH: remote.Machine{IP: addr("10.0.0.2")}},
			{Name: "m3", SSH: remote.Machine{IP: addr("10.0.0.3")}},
		},
		Services: []Service{
			service("node10", "mariadb", "db", "10.0.0.1"),
			service("node11", "mysql", "db", "10.0.0.2"),
			service("nosql1", "memcache", "nosql", "10.0.0.1"),
			service("far", "door", "other", "192.168.9.9"),
		},
	}
}

func TestSelect(t *testing.T) {
	tests := []struct {
		cmd   command.Command
		want  string
		whole bool
	}{
		{command.Command{}, "m1 m2 m3 | far node10 node11 nosql1", true},
		{command.Command{Group: "prod"}, "m1 m2 m3 | far node10 node11 nosql1", true},
		{command.Command{Cluster: "prod"}, "m1 m2 m3 | far node10 node11 nosql1", true},
		{command.Command{Cluster: "test"}, "|", false},
		{command.Command{Group: "node10"}, "m1 | node10", false},
		{command.Command{Group: "m1"}, "m1 | node10 nosql1", false},
		{command.Command{Group: "10.0.0.2"}, "m2 | node11", false},
		{command.Command{Group: "local"}, "m3 |", false},
		{command.Command{Group: "far"}, "| far", false},
		{command.Command{Group: "192.168.9.9"}, "| far", false},
		{command.Command{Type: "db"}, "m1 m2 | node10 node11", false},
		{command.Command{Type: "memcache"}, "m1 | nosql1", false},
		{command.Command{Group: "m1", Type: "mysql"}, "|", false},
		{command.Command{Group: "m2", Type: "mysql"}, "m2 | node11", false},
		{command.Command{Group: "nosuch"}, "|", false},
		{command.Command{Group: "prod", Type: "db"}, "m1 m2 | node10 node11", false},
	}
	own := []netip.Addr{addr("127.0.0.1"), addr("10.0.0.3")}
	for _, tt := range tests {
		got := Select(example(), tt.cmd, own)
		if text := strings.TrimSpace(names(got.Machines) + " | " + names(got.Services)); text != strings.TrimSpace(tt.want) || got.Whole != tt.whole {
			t.Errorf("%+v covers %q whole %v, want %q whole %v", tt.cmd, text, got.Whole, tt.want, tt.whole)
		}
		if got.Empty() != (tt.want == "|") {
			t.Errorf("%+v: Empty is %v", tt.cmd, got.Empty())
		}
	}
}

func names(set map[string]bool) string {
	var out []string
	for n := range set {
		out = append(out, n)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// What an error offers as groups and types is what Select takes.
func TestOffersWork(t *testing.T) {
	c := example()
	for _, g := range Groups([]Cluster{c}) {
		if g != Local && Select(c, command.Command{Group: g}, nil).Empty() {
			t.Errorf("group %s is offered and covers nothing", g)
		}
	}
	for _, k := range Types([]Cluster{c}) {
		if Select(c, command.Command{Type: k}, nil).Empty() {
			t.Errorf("type %s is offered and covers nothing", k)
		}
	}
}

// The first service of every machine comes before the second of any.
func TestFairOrder(t *testing.T) {
	var list []Service
	for i := range 600 {
		ip := "10.0.0.1"
		if i%200 == 199 {
			ip = "10.0.0.2"
		}
		list = append(list, Service{IP: addr(ip)})
	}
	order := fairOrder(list)
	seen := map[int]bool{}
	for turn, n := range order {
		seen[n] = true
		if list[n].IP == addr("10.0.0.2") && turn > 6 {
			t.Errorf("a service of the other machine waits for turn %d", turn)
		}
	}
	if len(seen) != len(list) {
		t.Errorf("%d of %d in the order", len(seen), len(list))
	}
}

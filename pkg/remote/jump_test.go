package remote

import (
	"strings"
	"testing"
)

func TestParseJumps(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []jump
	}{
		{"", nil},
		{"none", nil},
		{"gw", []jump{{host: "gw"}}},
		{"root@gw:2222", []jump{{"root", "gw", 2222}}},
		{"ssh://me@10.0.0.1", []jump{{"me", "10.0.0.1", 0}}},
		{"::1", []jump{{"", "::1", 0}}},
		{"a@[fe80::1]:22", []jump{{"a", "fe80::1", 22}}},
		{"[::1]", []jump{{"", "::1", 0}}},
		{"a@b@gw", nil}, // refused below: @ within a user
		{"one, two:3", []jump{{"", "one", 0}, {"", "two", 3}}},
	} {
		got, err := parseJumps(c.in)
		if c.in == "a@b@gw" {
			if err == nil {
				t.Errorf("%q was taken", c.in)
			}
			continue
		}
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%q: got %v, %v", c.in, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: got %+v, want %+v", c.in, got[i], c.want[i])
			}
		}
	}
	for _, bad := range []string{
		"@gw", "gw:", "gw:0", "gw:65536", "gw:x", "-oProxyCommand=x", "a b", "gw,", ",", "[::1", "[::1]x", "[gw]:1",
		"user@", "a@-gw", "gw\x00", "gw/x", "gw:22:33", "-a@gw", "gw\n",
	} {
		if got, err := parseJumps(bad); err == nil && strings.TrimSpace(bad) == bad {
			t.Errorf("%q was taken as %+v", bad, got)
		}
	}
}

func FuzzParseJumps(f *testing.F) {
	for _, seed := range []string{"", "none", "a@b:1", "[::1]:22,gw", "ssh://x", "::", "a@[", "a:b:c", "@", ","} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		jumps, err := parseJumps(s)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "cannot read bastion ") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, j := range jumps {
			if j.host == "" || strings.ContainsAny(j.host+j.user, " \t\r\n\x00") || strings.HasPrefix(j.host, "-") {
				t.Fatalf("%q gave %+v", s, j)
			}
			back, err := parseJump(j.String())
			if err != nil || back != j {
				t.Fatalf("%q gave %+v, written %q, read again %+v, %v", s, j, j.String(), back, err)
			}
		}
	})
}

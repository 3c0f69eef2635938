package provision

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote"
)

// answering is a machine that answers each command alike, and keeps what it was told.
type answering struct {
	out  string
	err  error
	told []string
}

func (a *answering) Run(_ context.Context, script string, _ io.Reader) (remote.Output, error) {
	a.told = append(a.told, script)
	return remote.Output{Stdout: []byte(a.out)}, a.err
}

func TestFollowing(t *testing.T) {
	addr := netip.MustParseAddrPort("10.0.0.1:3306")
	others := []Follower{{Name: "db2", Addr: netip.MustParseAddr("10.0.0.2")}, {Name: "db3", Addr: netip.MustParseAddr("fd00::3")}}
	const yes = "follows 10.0.0.1 3306\n"
	for _, c := range []struct {
		name       string
		two, three string
		reads      string
		want       string
	}{
		{"nobody", "", "", "", ""},
		{"one", yes, "", "reader 10.0.0.2:4711\n", "db2"},
		{"one of its sources", "follows 10.0.0.9 3306\n" + yes, "", "", "db2"},
		{"both, stopped", yes, yes, "", "db2 db3"},
		{"others", "follows 10.0.0.9 3306\n", "follows 10.0.0.1 3307\n", "", ""},
		{"one that has just left", "", "", "reader 10.0.0.2:4711\n", ""},
		{"by another name", "follows primary.example 3306\n", "", "reader 10.0.0.2:4711\n", "db2"},
		{"somebody", "", "", "reader 10.0.0.7:1\nreader 10.0.0.7:2\n", "10.0.0.7"},
		{"by IPv6", "", "follows fd00::1 3306\n", "reader fd00::3:4711\n", "db3"},
	} {
		got := strings.Join(following(addr, others, []string{c.two, c.three}, readers(c.reads)), " ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRemoval(t *testing.T) {
	for _, c := range []struct {
		name, out, follower string
		unreached           error
		lines, loss         string
		unwilling           string
		err                 string
	}{
		{name: "nothing", out: "enabled disabled\nactive inactive\n"},
		{
			name: "all of it", out: "enabled enabled\nactive active\nfile /etc/a\nuser clmgr-health\nours\ndatabase shop\ndatabase crm\n",
			lines: "the unit mariadb is stopped; the unit mariadb is not started at boot any more; the file /etc/a goes; " +
				"the machine's account clmgr-health goes; the data in /var/lib/mysql go for good: the databases shop, crm",
			loss: "its data go for good: the databases shop, crm",
		},
		{
			name: "cut short", out: "enabled disabled\nactive inactive\nours\n",
			lines: "the data in /var/lib/mysql go for good: no database but the server's own", loss: "its data go for good: no database but the server's own",
		},
		{name: "somebody's", out: "active active\ndatabase shop\n", lines: "the unit mariadb is stopped", unwilling: "holds data that clmgr has not made (shop)"},
		{name: "followed", out: "ours\n", follower: "follows 10.0.0.1 3306\n", unwilling: "it is followed by db2", lines: "the data in /var/lib/mysql go for good: no database but the server's own", loss: "its data go for good: no database but the server's own"},
		{name: "not asked", out: "ours\n", unreached: errors.New("no route"), err: "cannot see whether db2 follows it", lines: "the data in /var/lib/mysql go for good: no database but the server's own", loss: "its data go for good: no database but the server's own"},
	} {
		d := Doomed{MariaDB: database(), Addr: netip.MustParseAddrPort("10.0.0.1:3306"), Others: []Follower{{"db2", netip.MustParseAddr("10.0.0.2"), "mariadb", &answering{out: c.follower, err: c.unreached}}}}
		r, err := d.Removal(t.Context(), &answering{out: c.out})
		if got := strings.Join(r.Lines(), "; "); got != c.lines || r.Loss() != c.loss {
			t.Errorf("%s: %q and %q, want %q and %q", c.name, got, r.Loss(), c.lines, c.loss)
		}
		var unwilling *Unwilling
		if is := errors.As(err, &unwilling); is != (c.unwilling != "") || is && !strings.Contains(unwilling.Reason, c.unwilling) {
			t.Errorf("%s: unwilling is %v, want %s", c.name, err, c.unwilling)
		}
		if c.unwilling == "" && (err != nil) != (c.err != "") || c.err != "" && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %s", c.name, err, c.err)
		}
	}
}

// What must not be removed is only looked at, and so is what is gone already.
func TestRemoveOnlyLooks(t *testing.T) {
	for _, out := range []string{"active active\ndatabase shop\n", ""} {
		m := &answering{out: out}
		_ = Doomed{MariaDB: database()}.Remove(t.Context(), m)
		_ = Memcached{Name: "cache1", Unit: "other"}.Remove(t.Context(), m)
		if slices.ContainsFunc(m.told, func(s string) bool { return strings.Contains(s, "rm -") }) {
			t.Errorf("a machine that says %q was told %q", out, m.told)
		}
	}
}

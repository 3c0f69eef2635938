package provision_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
)

// TestProxiesOnDebians lays out what leads clients to databases, on Debian 12 and 13.
func TestProxiesOnDebians(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Databases(), lab.Databases13())
	for n, host := range []*remote.Host{b.one, b.two} {
		name := fmt.Sprintf("m%d", n+1)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("haproxy", func(t *testing.T) { b.testHAProxy(t, name, host) })
			t.Run("keepalived", func(t *testing.T) { b.testKeepalived(t, name, host) })
			t.Run("health", func(t *testing.T) { b.testHealth(t, name, host) })
		})
	}
}

// testHAProxy has one that runs take a new configuration, and leave one that it cannot use.
func (b *bench) testHAProxy(t *testing.T, name string, host *remote.Host) {
	if _, err := (provision.Packages{"haproxy", "keepalived"}).Install(t.Context(), host, b.job()); err != nil {
		t.Fatal(err)
	}
	h := provision.HAProxy{
		Name: "lb", Unit: "haproxy", Write: 3307, Read: 3308, Page: 8404,
		Databases: []provision.Backend{{Name: "db", Addr: netip.AddrPortFrom(b.Machine(name).IP(), 3306), Health: 9200, Master: true}},
	}
	layOut(t, h, host, true)
	layOut(t, h, host, false)
	b.on(t, name, "systemctl start haproxy")
	old := b.on(t, name, "cat /etc/haproxy/haproxy.cfg; systemctl show -P InvocationID haproxy")
	ports := func() string {
		return b.on(t, name, "ss -Htln 'sport >= :3307 and sport <= :3310' | awk '{print $4}' | sort | xargs")
	}
	for what, change := range map[string]func(h *provision.HAProxy){
		"a name with a space": func(h *provision.HAProxy) {
			h.Databases = []provision.Backend{{Name: "d b", Addr: h.Databases[0].Addr, Health: 9200}}
		},
		"a port that sshd has": func(h *provision.HAProxy) { h.Write = 22 },
		"a template that it refuses": func(h *provision.HAProxy) {
			h.Template = strings.Replace(provision.Templates()["haproxy"], "retries 3", "no-such-word 3", 1)
		},
	} {
		bad := h
		change(&bad)
		_, err := bad.Install(t.Context(), host)
		wantError(t, err, "cannot install lb: exit status ", "haproxy")
		if got := b.on(t, name, "cat /etc/haproxy/haproxy.cfg; systemctl show -P InvocationID haproxy"); got != old {
			t.Errorf("%s: there is now\n%s", what, got)
		}
		if got := ports(); got != "0.0.0.0:3307 0.0.0.0:3308" {
			t.Errorf("%s: it listens on %s", what, got)
		}
	}
	layOut(t, h, host, false)
	h.Write, h.Template = 3309, strings.Replace(provision.Templates()["haproxy"], "retries 3", "retries 7", 1)
	layOut(t, h, host, true)
	if got := b.on(t, name, "grep -c 'retries 7' /etc/haproxy/haproxy.cfg"); got != "1" {
		t.Errorf("its template is there %s times", got)
	}
	if got := ports(); got != "0.0.0.0:3308 0.0.0.0:3309" {
		t.Errorf("it listens on %s", got)
	}
	// Somebody has changed the file, and nothing has read it.
	b.on(t, name, "echo '# mine' >>/etc/haproxy/haproxy.cfg")
	layOut(t, h, host, true)
	if got := b.on(t, name, "ls /etc/haproxy"); strings.Contains(got, "clmgr") {
		t.Errorf("left behind: %s", got)
	}
	empty := h
	empty.Databases = nil
	_, err := empty.Install(t.Context(), host)
	wantError(t, err, "no managed database")
}

type laidOut interface {
	provision.HAProxy | provision.Keepalived | provision.MariaDB
}

func layOut[T laidOut](t *testing.T, v T, host *remote.Host, want bool) {
	t.Helper()
	var changed bool
	var err error
	switch v := any(v).(type) {
	case provision.HAProxy:
		changed, err = v.Install(t.Context(), host)
	case provision.Keepalived:
		changed, err = v.Install(t.Context(), host)
	case provision.MariaDB:
		changed, err = v.Install(t.Context(), host)
	}
	if err != nil || changed != want {
		t.Fatalf("changed %v, %v, want %v", changed, err, want)
	}
}

// testKeepalived has the address go where HAProxy answers, and a bad one change nothing.
func (b *bench) testKeepalived(t *testing.T, name string, host *remote.Host) {
	ip := b.Machine(name).IP().As4()
	vip := ip
	vip[3] += 100
	k := provision.Keepalived{
		Name: "vip", Unit: "keepalived", Addr: netip.AddrFrom4(ip), VIP: netip.AddrFrom4(vip), RouterID: int(vip[3]), Priority: 200, Page: 8404,
	}
	layOut(t, k, host, true)
	layOut(t, k, host, false)
	b.on(t, name, "systemctl start keepalived")
	has := func() bool { return b.on(t, name, "ip -o addr show to "+k.VIP.String()) != "" }
	b.until(t, "the address", has)
	b.on(t, name, "systemctl stop haproxy")
	b.until(t, "no address without an haproxy", func() bool { return !has() })
	b.on(t, name, "systemctl start haproxy")
	b.until(t, "the address again", has)
	bad := k
	bad.RouterID = 300
	_, err := bad.Install(t.Context(), host)
	wantError(t, err, "cannot install vip: exit status 3: keepalived refuses the configuration")
	layOut(t, k, host, false)
	if !has() {
		t.Error("the address went")
	}
	k.Priority = 100
	layOut(t, k, host, true)
	b.until(t, "the address with a new configuration", has)
}

func (b *bench) until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !yes(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never seen: %s", what)
		}
	}
}

// testHealth asks what answers balancers while its database changes.
func (b *bench) testHealth(t *testing.T, name string, host *remote.Host) {
	if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
		t.Fatal(err)
	}
	d := b.database("db" + name)
	at := netip.AddrPortFrom(b.Machine(name).IP(), 9200)
	d.Health = &provision.Health{Addr: at, MaxLag: 5 * time.Second}
	layOut(t, d, host, true)
	layOut(t, d, host, false)
	ask := func(path string) string {
		r, err := http.Get("http://" + at.String() + path) //nolint:noctx // the server ends it
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		return fmt.Sprintf("%d %s", r.StatusCode, bytes.TrimSpace(body))
	}
	is := func(path, want string) {
		t.Helper()
		b.until(t, path+" "+want, func() bool { return ask(path) == want })
	}
	is("/write", "200 takes writes")
	is("/read", "200 takes writes")
	is("/", "404 ask for /write or /read")
	b.on(t, name, "mariadb -e 'SET GLOBAL read_only = 1'")
	is("/write", "503 read_only")
	if got := ask("/read"); !strings.HasPrefix(got, "200 read_only, and follows nobody; it had all ") {
		t.Error(got)
	}
	is("/read", "503 read_only, and follows nobody")
	b.on(t, name, "mariadb -e 'SET GLOBAL read_only = 0'")
	is("/drained", "503 no drain is on")
	b.on(t, name, "pkill -STOP mariadbd")
	is("/write", "503 the database does not answer")
	b.on(t, name, "pkill -CONT mariadbd")
	is("/write", "200 takes writes")
	b.testDrain(t, d, name, host, ask)
	is("/read", "404 about to stop")
	b.on(t, name, "systemctl stop mariadb")
	is("/read", "503 the database does not answer")
	b.on(t, name, "systemctl start mariadb")
	is("/read", "200 takes writes")
	for _, c := range []struct{ path, want string }{ // who asks leads clients here from the second yes on
		{"/joined", "503 0 of 1 lead clients here"}, {"/read", "200 takes writes"}, {"/joined", "200 1 of 1 lead clients here"},
	} {
		if got := ask(c.path); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
	b.on(t, name, "systemctl kill -s KILL clmgr-health")
	is("/read", "200 takes writes")
	// It may look and nothing else.
	if got := b.on(t, name, "mariadb -NBe \"SHOW GRANTS FOR 'clmgr-health'@localhost\""); got != "GRANT SLAVE MONITOR ON *.* TO `clmgr-health`@`localhost` IDENTIFIED VIA unix_socket" {
		t.Errorf("its rights: %s", got)
	}
	b.testIdlers(t, at, ask)
}

// testIdlers has many be connected who say nothing, or not all: others are answered at once
// all the same.
func (b *bench) testIdlers(t *testing.T, at netip.AddrPort, ask func(path string) string) {
	t.Helper()
	var d net.Dialer
	for n := range 150 {
		conn, err := d.DialContext(t.Context(), "tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if n%2 == 0 {
			if _, err := conn.Write([]byte("GET /read HT")); err != nil {
				t.Fatal(err)
			}
		}
		if n%10 > 0 {
			continue
		}
		began := time.Now()
		if got := ask("/read"); got != "200 takes writes" {
			t.Errorf("beside %d who say nothing: %s", n+1, got)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("beside %d who say nothing it took %s", n+1, took)
		}
	}
}

// testDrain has a drain wait for somebody who asks, and be over once it was told.
func (b *bench) testDrain(t *testing.T, d provision.MariaDB, name string, host *remote.Host, ask func(path string) string) {
	t.Helper()
	b.on(t, name, "systemctl stop haproxy; systemctl restart clmgr-health") // nobody else asks
	b.until(t, "an answer", func() bool { return ask("/read") == "200 takes writes" })
	time.Sleep(4 * time.Second) // it is not new any more, and expects to be asked by us after some 4 s again
	ask("/read")
	over := make(chan error, 1)
	go func() { over <- d.Health.Drain(t.Context(), host, "mariadb", 30*time.Second) }()
	b.until(t, "a drain", func() bool { return ask("/drained") == "503 0 of 1 were told" })
	select {
	case err := <-over:
		t.Errorf("it was over (%v) before who asks was told", err)
	case <-time.After(2 * time.Second):
	}
	if got := ask("/read"); got != "404 about to stop" {
		t.Error(got)
	}
	if got := ask("/drained"); got != "200 1 of 1 were told" {
		t.Error(got)
	}
	select {
	case err := <-over:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it is not over though who asks was told")
		<-over
	}
}

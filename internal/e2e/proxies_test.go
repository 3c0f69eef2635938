package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// balanced are bare machines for three databases and two balancers that share an address.
type balanced struct {
	*site
	conf conf
}

func newBalanced(t *testing.T) *balanced {
	t.Helper()
	s := &site{Lab: labtest.Up(t, lab.Debian12(), "m1", "m2", "m3", "m4", "m5")}
	c := &cluster{
		Database:    map[string]any{"user": "clmgr", "password": "canary-of-the-database"},
		Replication: map[string]any{"user": "copies", "password": "canary-of-the-copies"},
		Health:      map[string]any{"max_lag": "5s"},
	}
	for _, m := range s.Machines() {
		c.Instances = append(c.Instances, instance{Name: m.Name(), IP: m.IP().String()})
	}
	vip := s.VIP().String()
	// The order is not that in which they can be started.
	c.Services = []service{
		{Name: "vip4", Mode: "keepalived", Instance: "m4", VIP: vip, Managed: true},
		{Name: "vip5", Mode: "keepalived", Instance: "m5", VIP: vip, Managed: true},
		{Name: "lb4", Mode: "haproxy", Instance: "m4", Managed: true},
		{Name: "lb5", Mode: "haproxy", Instance: "m5", Managed: true},
		{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
		{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
		{Name: "cache4", Mode: "memcache", Instance: "m4", Managed: true},
	}
	return &balanced{s, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "60s", "first_delay": "1s", "longest_delay": "2s"},
		SSH:       s.ssh(), Clusters: map[string]*cluster{"demo": c},
	}}
}

// TestProxies takes bare machines to databases behind balancers behind one address, and
// has clients there all the time while things change.
func TestProxies(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	m := newManager(t, b.conf)
	m.run("services", "start", "all", "--wait").want(t, 0)
	d := m.heartbeat(0)
	for name, role := range map[string]string{"db1": "master", "db2": "slave", "lb4": "na", "lb5": "na"} {
		if e := d.service(t, name); e.Code != "000000" || e.Status != role {
			t.Errorf("%s: %+v", name, e)
		}
	}
	holder, other := "m4", "m5"
	if d.service(t, "vip5").Status == "master" {
		holder, other = other, holder
	}
	b.shop(t)
	writes, reads := b.client(t, 3307), b.client(t, 3308)
	eventually(t, "the replica's answer on the port for reads", func() bool {
		return reads.one(t.Context(), "SELECT @@hostname") == "m2"
	})
	if got := writes.one(t.Context(), "SELECT @@hostname"); got != "m1" {
		t.Errorf("the port for writes leads to %s", got)
	}

	before := b.everything(t)
	m.run("services", "start", "all", "--wait").want(t, 0)
	if after := b.everything(t); after != before {
		t.Errorf("a second start changed\n%s\nto\n%s", before, after)
	}

	t.Run("restart of a replica", func(t *testing.T) {
		b.unharmed(t, func() { m.run("services", "restart", "db2", "--wait").want(t, 0) })
	})
	t.Run("one more replica", func(t *testing.T) {
		demo := b.conf.Clusters["demo"]
		demo.Services = append(demo.Services, service{Name: "db3", Mode: "mariadb", Instance: "m3", Role: "slave", Managed: true})
		grown := newManager(t, b.conf)
		b.unharmed(t, func() { grown.run("services", "start", "all", "--wait").want(t, 0) })
		eventually(t, "the new replica's answer", func() bool { return reads.one(t.Context(), "SELECT @@hostname") == "m3" })
	})
	t.Run("balancer stops answering", func(t *testing.T) {
		b.signal(t, holder, "haproxy", "STOP")
		eventually(t, "the address on "+other, func() bool { return strings.Contains(b.on(t, other, "ip -o addr show"), " "+b.VIP().String()+"/") })
		eventually(t, "a write", func() bool { return writes.write(t.Context()) == nil })
	})
	t.Run("what stopped replicating", func(t *testing.T) {
		b.sql(t, "m2", "STOP SLAVE SQL_THREAD")
		b.sql(t, "m3", "STOP SLAVE SQL_THREAD")
		eventually(t, "the primary's answer", func() bool { return reads.one(t.Context(), "SELECT @@hostname") == "m1" })
		b.sql(t, "m2", "START SLAVE SQL_THREAD")
		eventually(t, "the replica's answer", func() bool { return reads.one(t.Context(), "SELECT @@hostname") == "m2" })
	})
	t.Run("a guard removed and added again", func(t *testing.T) {
		has := func(machine string) bool {
			return strings.Contains(b.on(t, machine, "ip -o addr show"), " "+b.VIP().String()+"/")
		}
		holder, other := "m4", "m5"
		if has(other) {
			holder, other = other, holder
		}
		guard := "vip" + strings.TrimPrefix(holder, "m")
		m.run("services", "remove", guard, "--wait").want(t, 0)
		eventually(t, "the address on "+other, func() bool { return has(other) && !has(holder) })
		if got := b.on(t, holder, "ls /etc/keepalived/keepalived.conf /etc/keepalived/clmgr-alive 2>/dev/null; systemctl is-enabled keepalived || true"); got != "disabled" {
			t.Errorf("there is still %s", got)
		}
		eventually(t, "a write", func() bool { return writes.write(t.Context()) == nil })
		m.run("services", "start", guard, "--wait").want(t, 0)
		eventually(t, "a healthy heartbeat", func() bool { return m.run("instances", "heartbeat").code == 0 })
	})
}

// shop makes what the clients write to and read from.
func (b *balanced) shop(t *testing.T) {
	t.Helper()
	b.sql(t, "m1", "CREATE DATABASE shop; CREATE TABLE shop.orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, at INT); "+
		"CREATE USER shop@'%' IDENTIFIED BY 'canary-shop'; GRANT ALL ON shop.* TO shop@'%'")
}

// client talks to the databases through the address, each time over a new connection.
type client struct{ db *sql.DB }

func (b *balanced) client(t *testing.T, port int) client {
	t.Helper()
	return shopper(t, b.VIP().String(), port)
}

func shopper(t *testing.T, host string, port int) client {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", net.JoinHostPort(host, fmt.Sprint(port)), "shop", "canary-shop", "shop"
	c.Timeout, c.ReadTimeout = 5*time.Second, 5*time.Second
	connector, err := mysql.NewConnector(c)
	must(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(-1)
	t.Cleanup(func() { must(t, db.Close()) })
	return client{db}
}

// one is the answer to a query of one value; what went wrong is one as well.
func (c client) one(ctx context.Context, query string) (answer string) {
	if err := c.db.QueryRowContext(ctx, query).Scan(&answer); err != nil {
		return err.Error()
	}
	return answer
}

func (c client) write(ctx context.Context) error {
	_, err := c.db.ExecContext(ctx, "INSERT INTO orders (at) VALUES (1)")
	return err
}

func (c client) read(ctx context.Context) error {
	var n int
	return c.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM orders").Scan(&n)
}

// unharmed has clients read and write while something happens: none of it may fail.
func (b *balanced) unharmed(t *testing.T, happens func()) {
	t.Helper()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for what, do := range map[string]func(context.Context) error{"write": b.client(t, 3307).write, "read": b.client(t, 3308).read} {
		all.Go(func() {
			for n := 0; ; n++ {
				if err := do(t.Context()); err != nil {
					t.Errorf("%s %d: %v", what, n, err)
				}
				select {
				case <-stop:
					t.Logf("%d times %s", n+1, what)
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	happens()
	close(stop)
	all.Wait()
}

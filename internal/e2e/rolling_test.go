package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// databases are three databases behind one balancer.
type databases struct {
	*site
	m *manager
}

func newDatabases(t *testing.T) *databases {
	t.Helper()
	s := &site{Lab: labtest.Up(t, lab.Databases(), "m1", "m2", "m3", "m4")}
	c := &cluster{
		Database:    map[string]any{"user": "clmgr", "password": "canary-of-the-database"},
		Replication: map[string]any{"user": "copies", "password": "canary-of-the-copies"},
	}
	for _, m := range s.Machines() {
		c.Instances = append(c.Instances, instance{Name: m.Name(), IP: m.IP().String()})
	}
	c.Services = []service{
		{Name: "lb4", Mode: "haproxy", Instance: "m4", Managed: true},
		{Name: "db1", Mode: "mariadb", Instance: "m1", Role: "master", Managed: true},
		{Name: "db2", Mode: "mariadb", Instance: "m2", Role: "slave", Managed: true},
		{Name: "db3", Mode: "mariadb", Instance: "m3", Role: "slave", Managed: true},
	}
	return &databases{s, newManager(t, conf{
		Heartbeat: map[string]any{"deadline": "20s", "probe_timeout": patience},
		Actions:   map[string]any{"lease": "10s", "time": "60s", "first_delay": "1s", "longest_delay": "2s", "tries": 2},
		SSH:       s.ssh(), Clusters: map[string]*cluster{"demo": c},
	})}
}

// TestRolling restarts all databases while clients read and write.
func TestRolling(t *testing.T) {
	t.Parallel()
	d := newDatabases(t)
	d.m.run("services", "start", "all", "--wait").want(t, 0)
	d.sql(t, "m1", "CREATE DATABASE shop; CREATE TABLE shop.orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, at INT); CREATE USER shop@'%' IDENTIFIED BY 'canary-shop'; GRANT ALL ON shop.* TO shop@'%'")
	eventually(t, "a healthy heartbeat", func() bool { return d.m.run("instances", "heartbeat").code == 0 })
	eventually(t, "a replica's answer", func() bool {
		return strings.ContainsAny(shopper(t, d.ip("m4"), 3308).one(t.Context(), "SELECT @@hostname"), "23")
	})
	a := d.m.run("-o", "json", "services", "rolling_restart", "demo", "--dry-run").want(t, 0)
	if got := plans(t, a.stdout)["demo"]; got != "restart_replica due, restart_replica waits, hand_over waits, restart_replica waits, hand_over waits" {
		t.Errorf("the plan is %s", got)
	}
	t.Run("another version's answerer", d.testOlderHealth)
	t.Run("one that does not start again", d.testBroken)
	t.Run("while clients read and write", d.testServing)
	t.Run("killed again and again", d.testKilled)
}

func (d *databases) starts(t *testing.T, machine string) int {
	t.Helper()
	return len(strings.Fields(d.on(t, machine, "journalctl --sync; journalctl -b -q --no-pager -o cat --output-fields=INVOCATION_ID UNIT=mariadb.service | sort -u")))
}

func (d *databases) allStarts(t *testing.T) []int {
	t.Helper()
	return []int{d.starts(t, "m1"), d.starts(t, "m2"), d.starts(t, "m3")}
}

// testOlderHealth has what answers balancers beside a replica be another clmgr's, which
// cannot tell who was told. Nothing is restarted until it is this one's.
func (d *databases) testOlderHealth(t *testing.T) {
	before := d.allStarts(t)
	d.on(t, "m3", "sed -i 's,/joined,/later,' /usr/local/lib/clmgr/health && systemctl restart clmgr-health")
	d.m.run("services", "rolling_restart", "demo").want(t, 5, "refused by knows-balancers", "beside db3", "clmgr services install db3")
	d.m.run("services", "install", "db3", "--wait").want(t, 0)
	d.m.run("services", "rolling_restart", "demo", "--dry-run").want(t, 0)
	if after := d.allStarts(t); !slices.Equal(before, after) {
		t.Errorf("starts were %v and are %v", before, after)
	}
}

// testBroken breaks the second replica's configuration.
func (d *databases) testBroken(t *testing.T) {
	before, primary := d.allStarts(t), d.sql(t, "m1", "SHOW GLOBAL STATUS LIKE 'Uptime'")
	d.on(t, "m3", "printf '[mariadbd]\nno_such_variable = 1\n' >/etc/mysql/mariadb.conf.d/999-broken.cnf")
	a := d.m.run("services", "rolling_restart", "demo", "--wait").want(t, 1, "cannot restart mariadb", "no_such_variable", "given up, clmgr actions retry")
	after := d.allStarts(t)
	if after[0] != before[0] || after[1] != before[1]+1 || after[2] == before[2] {
		t.Errorf("starts were %v and are %v (%s)", before, after, primary)
	}
	if got := d.sql(t, "m1", "SELECT @@read_only") + d.sql(t, "m2", "SELECT @@read_only"); got != "01" {
		t.Errorf("read_only is %s", got)
	}
	if got := d.on(t, "m1", "ls /etc/mysql/mariadb.conf.d /run/clmgr-handover 2>&1 || true"); strings.Contains(got, "99-zz") || !strings.Contains(got, "No such file") {
		t.Errorf("the primary was touched: %s", got)
	}
	d.m.run("services", "rolling_restart", "db2").want(t, 5, "refused by all-reachable: db3 does not run")
	d.on(t, "m3", "rm /etc/mysql/mariadb.conf.d/999-broken.cnf")
	_, rest, _ := strings.Cut(a.stderr, "clmgr actions retry ")
	id, _, _ := strings.Cut(rest, " ")
	d.m.run("actions", "cancel", id).want(t, 0)
	if list := d.m.run("-o", "table", "actions", "list").stdout; strings.Contains(list, "waiting") {
		t.Errorf("what comes after %s waits still:\n%s", id, list)
	}
	d.m.run("services", "start", "db3", "--wait").want(t, 0)
	eventually(t, "a healthy heartbeat", func() bool { return d.m.run("instances", "heartbeat").code == 0 })
}

// testServing has clients read and write all the time.
func (d *databases) testServing(t *testing.T) {
	s := d.served(t, func() { d.m.run("services", "rolling_restart", "demo", "--wait").want(t, 0) })
	if len(s.down) > 2 {
		t.Errorf("writes failed %d times: %s", len(s.down), s.outages())
	}
	for _, o := range s.down {
		if o.took() > 10*time.Second {
			t.Errorf("writes failed for %s", o.took())
		}
	}
}

// testKilled kills clmgr again and again; what comes after it goes on.
func (d *databases) testKilled(t *testing.T) {
	d.m.Actions["lease"], d.m.Actions["tries"] = "5s", 20 // each death is a failed try
	d.m.configure()
	d.served(t, func() {
		p := d.m.start("services", "rolling_restart", "demo", "--wait")
		kills := 0
		eventually(t, "it is queued", func() bool {
			return strings.Contains(d.m.run("-o", "table", "actions", "list").stdout, "services:")
		})
		for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); p = d.m.start("instances", "heartbeat") {
			select {
			case <-p.ended:
			case <-time.After(time.Duration(2500+700*kills) * time.Millisecond): // no look takes that long
				if kills < 5 {
					must(t, p.cmd.Process.Kill())
					kills++
				}
			}
			p.wait()
			list := d.m.run("-o", "table", "actions", "list").stdout
			if strings.Contains(list, "failed") {
				t.Errorf("a step has failed:\n%s", list)
				return
			}
			if !strings.Contains(list, "waiting") && !strings.Contains(list, "running") {
				t.Logf("%d kills", kills)
				return
			}
			time.Sleep(time.Second)
		}
		t.Error("it is not over")
	})
}

// served has clients read and write while all databases are restarted, each once.
func (d *databases) served(t *testing.T, restart func()) *sampler {
	t.Helper()
	before := d.allStarts(t)
	d.sql(t, "m1", "TRUNCATE shop.orders")
	s := newSampler(t, d)
	time.Sleep(time.Second)
	began := time.Now()
	restart()
	took := time.Since(began)
	time.Sleep(3 * time.Second)
	s.stop()
	after := d.allStarts(t)
	for n := range after {
		if after[n] != before[n]+1 {
			t.Errorf("starts were %v and are %v", before, after)
			break
		}
	}
	t.Logf("it took %s; %d reads, %d of them failed; %d writes, %d of them failed: %s", took.Round(time.Second/10),
		s.reads, s.failedReads, len(s.written)+s.failedWrites, s.failedWrites, s.outages())
	if s.failedReads > 0 {
		t.Errorf("%d reads failed: %v", s.failedReads, s.readErrors[:min(len(s.readErrors), 5)])
	}
	s.onlyOneWritable(t)
	d.hasAll(t, s.written)
	doc := d.m.heartbeat(0)
	for name, role := range map[string]string{"db1": "master", "db2": "slave", "db3": "slave"} {
		if e := doc.service(t, name); e.Code != "000000" || e.Status != role {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, machine := range []string{"m1", "m2", "m3"} {
		if got := d.on(t, machine, "ls /etc/mysql/mariadb.conf.d /run/clmgr-drain 2>&1 || true"); strings.Contains(got, "99-zz") || !strings.Contains(got, "No such file") {
			t.Errorf("left behind on %s: %s", machine, got)
		}
	}
	a := d.m.run("-o", "json", "services", "start", "demo", "--dry-run").want(t, 0)
	for name, got := range plans(t, a.stdout) {
		if strings.Contains(got, "due") || strings.Contains(got, "waits") {
			t.Errorf("after that %s needs %s", name, got)
		}
	}
	return s
}

// hasAll counts what was acknowledged on all three.
func (d *databases) hasAll(t *testing.T, written []int) {
	t.Helper()
	eventually(t, "replicas that have all", func() bool {
		want := d.sql(t, "m1", "SELECT @@gtid_binlog_pos")
		return d.sql(t, "m2", "SELECT @@gtid_binlog_pos") == want && d.sql(t, "m3", "SELECT @@gtid_binlog_pos") == want
	})
	for _, machine := range []string{"m1", "m2", "m3"} {
		there := map[string]bool{}
		for _, n := range strings.Fields(d.sql(t, machine, "SELECT at FROM shop.orders")) {
			there[n] = true
		}
		missing := 0
		for _, n := range written {
			if !there[fmt.Sprint(n)] {
				missing++
			}
		}
		t.Logf("%s has %d rows; %d were acknowledged, %d of them are missing", machine, len(there), len(written), missing)
		if missing > 0 {
			t.Errorf("%s misses %d of %d rows", machine, missing, len(written))
		}
	}
}

// sampler reads and writes through the balancer, and asks each database whether it
// takes writes.
type sampler struct {
	mu           sync.Mutex
	all          sync.WaitGroup
	end          chan struct{}
	reads        int
	failedReads  int
	readErrors   []string
	written      []int // that were acknowledged
	failedWrites int
	down         []*outage
	samples      map[string][]sample
}

// outage is a time in which writes failed.
type outage struct {
	from, to time.Time
	errors   []string
}

func (o outage) took() time.Duration { return o.to.Sub(o.from).Round(time.Millisecond) }

// sample is one answer of a database to whether it takes writes.
type sample struct {
	asked, answered time.Time
	writable        bool
}

func newSampler(t *testing.T, d *databases) *sampler {
	t.Helper()
	s := &sampler{end: make(chan struct{}), samples: map[string][]sample{}}
	reads, writes := shopper(t, d.ip("m4"), 3308), shopper(t, d.ip("m4"), 3307)
	s.again(10*time.Millisecond, func(int) {
		s.reads++ // nobody else does
		if err := reads.read(t.Context()); err != nil {
			s.failedReads++
			s.readErrors = append(s.readErrors, err.Error())
		}
	})
	s.again(10*time.Millisecond, func(n int) {
		began := time.Now()
		_, err := writes.db.ExecContext(t.Context(), "INSERT INTO orders (at) VALUES (?)", n)
		s.wrote(n, began, err)
	})
	for _, machine := range []string{"m1", "m2", "m3"} {
		direct := shopper(t, d.ip(machine), 3306)
		s.again(10*time.Millisecond, func(int) {
			asked := time.Now()
			switch direct.one(t.Context(), "SELECT @@GLOBAL.read_only") {
			case "0":
				s.add(machine, sample{asked, time.Now(), true})
			case "1":
				s.add(machine, sample{asked, time.Now(), false})
			}
		})
	}
	return s
}

// again does something until stop.
func (s *sampler) again(pause time.Duration, do func(n int)) {
	s.all.Go(func() {
		for n := 1; ; n++ {
			do(n)
			select {
			case <-s.end:
				return
			case <-time.After(pause):
			}
		}
	})
}

func (s *sampler) stop() {
	close(s.end)
	s.all.Wait()
}

// wrote notes what became of a write. Failures belong to one outage until 50 writes in a
// row came through.
func (s *sampler) wrote(n int, began time.Time, err error) {
	if err == nil {
		s.written = append(s.written, n)
		return
	}
	s.failedWrites++
	fresh := len(s.down) == 0
	if !fresh && len(s.written) > 50 {
		last := s.written[len(s.written)-50:]
		fresh = last[49]-last[0] == 49 && last[49] == n-1
	}
	if fresh {
		s.down = append(s.down, &outage{from: began})
	}
	o := s.down[len(s.down)-1]
	o.to = time.Now()
	if !slices.Contains(o.errors, err.Error()) {
		o.errors = append(o.errors, err.Error())
	}
}

func (s *sampler) outages() string {
	var out []string
	for _, o := range s.down {
		out = append(out, fmt.Sprintf("%s (%s)", o.took(), strings.Join(o.errors, "; ")))
	}
	return strings.Join(out, ", ")
}

func (s *sampler) add(machine string, one sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples[machine] = append(s.samples[machine], one)
}

// onlyOneWritable looks for a database that took writes while another one did: it said so
// between two answers of the other one that both said so.
func (s *sampler) onlyOneWritable(t *testing.T) {
	t.Helper()
	for one, list := range s.samples {
		n := 0
		for _, a := range list {
			if !a.writable {
				continue
			}
			n++
			for other, theirs := range s.samples {
				if other == one {
					continue
				}
				after, _ := slices.BinarySearchFunc(theirs, a, func(b, a sample) int { return b.asked.Compare(a.answered) })
				before := after - 1
				for before >= 0 && theirs[before].answered.After(a.asked) {
					before--
				}
				if before >= 0 && after < len(theirs) && theirs[before].writable && theirs[after].writable {
					t.Errorf("%s and %s took writes at %s", one, other, a.asked)
					return
				}
			}
		}
		t.Logf("%s was asked %d times and took writes %d times", one, len(list), n)
	}
}

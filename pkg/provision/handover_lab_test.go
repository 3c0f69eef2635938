package provision_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// trio is a primary on m1 with replicas on m2 and m3.
type trio struct {
	*bench
	rows, tries int
}

// TestHandover hands the role of primary to and fro.
func TestHandover(t *testing.T) {
	t.Parallel()
	b := &trio{bench: boot(t, lab.Databases(), lab.Databases13(), lab.Databases())}
	b.layOut(t)
	t.Run("killed", b.testKilled)
	t.Run("not executed in time", b.testNotExecuted)
	t.Run("writers that hold on", b.testWriters)
	t.Run("given up for lost", b.testLate)
	t.Run("the one in between restarts", b.testInBetween)
	t.Run("errant", b.testErrant)
}

// layOut has the databases follow m1. The newest follows the others, and is no candidate.
func (b *trio) layOut(t *testing.T) {
	var all sync.WaitGroup
	for n, name := range []string{"m1", "m2", "m3"} {
		all.Go(func() {
			if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), b.host(name), b.job()); err != nil {
				t.Error(err)
			}
			d := b.database("db" + name[1:])
			d.ServerID, d.Replica = n+1, n > 0
			if _, err := d.Install(t.Context(), b.host(name)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, name := range []string{"m2", "m3"} {
		r := b.replica()
		r.Name, r.Machine = "db"+name[1:], b.host(name)
		if _, err := r.Replicate(t.Context(), b.job()); err != nil {
			t.Fatal(err)
		}
	}
	b.on(t, "m1", `mariadb -e "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); CREATE USER boss IDENTIFIED BY 'x'; GRANT ALL ON *.* TO boss; CREATE USER shop IDENTIFIED BY 'x'; GRANT ALL ON shop.* TO shop"`)
}

// handover is to a database, by machines that wrap may put something around.
func (b *trio) handover(to string, wrap func(name string, m job.Machine) job.Machine) provision.Handover {
	h := provision.Handover{To: to, User: "copies", Password: secret.New("canary-copies"), Own: []string{"clmgr", "copies"}}
	for _, name := range []string{"m1", "m2", "m3"} {
		m := provision.Member{Name: "db" + name[1:], Machine: b.host(name), Addr: netip.AddrPortFrom(b.Machine(name).IP(), 3306), Master: name == "m1"}
		if wrap != nil {
			m.Machine = wrap(name, m.Machine)
		}
		h.Members = append(h.Members, m)
	}
	return h
}

// next is the next try at one action.
func (b *trio) next() job.Job {
	b.tries++
	return job.Job{Unit: "clmgr-handover-1", Epoch: 1, Try: uint64(b.tries)}
}

func (b *trio) hand(t *testing.T, to string) {
	t.Helper()
	if err := b.handover(to, nil).Run(t.Context(), b.next()); err != nil {
		t.Fatal(err)
	}
	b.check(t, to)
}

// state is what a database says of itself: read_only, whom it follows, and its fence.
func (b *trio) state(t *testing.T, machine string) string {
	return strings.Join(strings.Fields(b.on(t, machine, `mariadb -NBe 'SELECT @@read_only'
mariadb -e 'SHOW ALL SLAVES STATUS\G' | sed -n 's/ *Master_Host: //p; s/ *Slave_IO_Running: //p; s/ *Slave_SQL_Running: //p'
ls /etc/mysql/mariadb.conf.d | grep -c 99-zz || true`)), " ")
}

// check wants one primary which the others follow, and no fence but where one is needed.
func (b *trio) check(t *testing.T, primary string) {
	t.Helper()
	ip := b.Machine("m" + primary[2:]).IP().String()
	for _, machine := range []string{"m1", "m2", "m3"} {
		fence := 0
		if machine == "m1" && primary != "db1" {
			fence = 1
		}
		want := fmt.Sprintf("1 %s Yes Yes %d", ip, fence)
		if "db"+machine[1:] == primary {
			want = fmt.Sprintf("0 %d", fence)
		}
		if got := b.state(t, machine); got != want {
			t.Fatalf("%s is primary, and %s is %q, want %q", primary, machine, got, want)
		}
	}
}

// insert writes one more row at a primary.
func (b *trio) insert(t *testing.T, machine string) {
	t.Helper()
	b.rows++
	b.on(t, machine, fmt.Sprintf("mariadb -e 'INSERT INTO shop.orders VALUES (%d)'", b.rows))
}

// mortal is a machine of a manager that dies at a command that changes something.
type mortal struct {
	job.Machine
	life *life
}

// life ends before or after the nth such command.
type life struct {
	mu     sync.Mutex
	n, end int
	after  bool
	cancel context.CancelFunc
}

func (m mortal) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	if !strings.Contains(command, "another handover has begun") {
		return m.Machine.Run(ctx, command, stdin)
	}
	m.life.mu.Lock()
	m.life.n++
	last := m.life.n == m.life.end
	m.life.mu.Unlock()
	if last && !m.life.after {
		m.life.cancel()
	}
	if ctx.Err() != nil {
		return remote.Output{}, ctx.Err()
	}
	out, err := m.Machine.Run(context.WithoutCancel(ctx), command, stdin)
	if last {
		m.life.cancel()
	}
	return out, err
}

// testKilled kills whoever hands over before and after each command that changes
// something, on the way there and back; the next one goes on.
func (b *trio) testKilled(t *testing.T) {
	primary, kills := "db1", 0
	for end, over := 1, false; !over; end++ {
		for _, after := range []bool{false, true, false, true} {
			to := map[string]string{"db1": "db3", "db3": "db1"}[primary]
			b.insert(t, "m"+primary[2:])
			ctx, cancel := context.WithCancel(t.Context())
			l := &life{end: end, after: after, cancel: cancel}
			err := b.handover(to, func(_ string, m job.Machine) job.Machine { return mortal{m, l} }).Run(ctx, b.next())
			cancel()
			if l.n < end {
				if err != nil {
					t.Fatalf("nobody was killed: %v", err)
				}
				over = true
			} else {
				kills++
			}
			writable := 0
			for _, machine := range []string{"m1", "m2", "m3"} {
				if strings.HasPrefix(b.state(t, machine), "0") {
					writable++
				}
			}
			if writable > 1 {
				t.Fatalf("killed at %d: %d take writes", end, writable)
			}
			if err := b.handover(to, nil).Run(t.Context(), b.next()); err != nil {
				t.Fatalf("killed at %d (after it: %v), to %s, the next one: %v", end, after, to, err)
			}
			b.check(t, to)
			primary = to
		}
	}
	t.Logf("%d kills", kills)
	if primary != "db1" {
		b.hand(t, "db1")
	}
	for _, machine := range []string{"m1", "m2", "m3"} {
		if got := b.on(t, machine, "for n in $(seq 50); do mariadb -NBe 'SELECT COUNT(*) FROM shop.orders'; sleep 0.1; done | tail -n 1"); got != fmt.Sprint(b.rows) {
			t.Errorf("%s has %s rows of %d", machine, got, b.rows)
		}
	}
}

// testNotExecuted keeps the candidate from executing what is left.
func (b *trio) testNotExecuted(t *testing.T) {
	b.on(t, "m3", `systemd-run --quiet --unit=holder mariadb -e 'FLUSH TABLES WITH READ LOCK; DO SLEEP(60)'; sleep 1`)
	b.insert(t, "m1")
	err := b.handover("db3", nil).Run(t.Context(), b.next())
	wantError(t, err, "cannot hand the role of primary over to db3: db3 has not executed what db1 has logged", "within 10s; db1 takes the writes again")
	b.on(t, "m3", "systemctl stop holder; mariadb -NBe 'SHOW PROCESSLIST' | awk '/SLEEP/ {print $1}' | xargs -r -n1 mariadb-admin kill")
	b.check(t, "db1")
}

// testWriters has one writer hold a table, and one a row; and one whom read_only does not
// bind, which is refused.
func (b *trio) testWriters(t *testing.T) {
	b.on(t, "m1", `for what in "LOCK TABLES shop.orders WRITE; DO SLEEP(120)" "BEGIN; DELETE FROM shop.orders; DO SLEEP(120)"; do
	systemd-run --quiet mariadb --no-defaults -h 127.0.0.1 -u shop -px -e "$what"; sleep 1; done`)
	began := time.Now()
	b.hand(t, "db3")
	t.Logf("with writers that hold on it took %s", time.Since(began))
	b.insert(t, "m3")
	b.hand(t, "db1")
	b.on(t, "m1", `systemd-run --quiet --unit=boss mariadb --no-defaults -h 127.0.0.1 -u boss -px -e 'DO SLEEP(120)'; sleep 1`)
	err := b.handover("db3", nil).Run(t.Context(), b.next())
	wantError(t, err, "refused by bound-by-read-only: boss has READ_ONLY ADMIN and is connected to db1")
	b.on(t, "m1", "mariadb -NBe 'SHOW PROCESSLIST' | awk '/boss/ {print $1}' | xargs -r -n1 mariadb-admin kill")
	b.check(t, "db1")
	err = b.handover("db2", nil).Run(t.Context(), b.next())
	wantError(t, err, "refused by versions: db1 is 10.11", "cannot follow db2, which is 11.8")
	b.check(t, "db1")
}

// slow is a machine whose manager is held up before it promotes.
type slow struct {
	job.Machine
	reached, goOn chan struct{}
}

func (m slow) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	if stdin != nil {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return remote.Output{}, err
		}
		if strings.Contains(string(text), "RESET SLAVE ALL") {
			close(m.reached)
			<-m.goOn
		}
		stdin = strings.NewReader(string(text))
	}
	return m.Machine.Run(ctx, command, stdin)
}

// testLate has somebody who was given up promote after the next one has handed the role
// to and back.
func (b *trio) testLate(t *testing.T) {
	m := slow{reached: make(chan struct{}), goOn: make(chan struct{})}
	late := make(chan error)
	first := b.next()
	go func() {
		late <- b.handover("db3", func(name string, of job.Machine) job.Machine {
			if name != "m3" {
				return of
			}
			m.Machine = of
			return m
		}).Run(t.Context(), first)
	}()
	<-m.reached
	b.hand(t, "db3")
	b.hand(t, "db1")
	close(m.goOn)
	wantError(t, <-late, "another handover has begun here", "a later try is at work here")
	b.check(t, "db1")
}

// testInBetween restarts the one that has the role for a while: it comes up read_only, and
// the way back is open.
func (b *trio) testInBetween(t *testing.T) {
	b.hand(t, "db3")
	b.insert(t, "m3")
	b.on(t, "m3", "systemctl restart mariadb")
	b.on(t, "m1", "systemctl restart mariadb")
	if got := b.state(t, "m3") + " " + b.on(t, "m1", "mariadb -NBe 'SELECT @@read_only'"); got != "1 0 1" {
		t.Errorf("after restarts: %s", got)
	}
	b.hand(t, "db1")
	b.insert(t, "m1")
}

// testErrant writes on the candidate itself.
func (b *trio) testErrant(t *testing.T) {
	b.on(t, "m3", "mariadb -e 'CREATE DATABASE theirs'")
	err := b.handover("db3", nil).Run(t.Context(), b.next())
	var refused *provision.Refused
	if !errors.As(err, &refused) || refused.Gate != provision.GateErrant {
		t.Errorf("the error is %v", err)
	}
	wantError(t, err, "refused by errant-transactions: db3 has 0-3-", "which db1 has not")
	if got := b.state(t, "m1"); got != "0 0" {
		t.Errorf("m1 is %s", got)
	}
}

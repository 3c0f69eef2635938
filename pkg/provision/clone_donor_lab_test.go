package provision_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// TestCloneDonors has two who could be copied from, and loses them.
func TestCloneDonors(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Databases(), lab.Databases(), lab.Databases())
	r := b.pairOf(t, 80)
	if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), b.host("m3"), b.job()); err != nil {
		t.Fatal(err)
	}
	install(t, b.member(2), b.host("m3"), true)
	other := b.replica()
	other.Name, other.Machine = "db3", b.host("m3")
	for _, each := range []provision.Replica{other, r} {
		if changed, err := each.Replicate(t.Context(), b.job()); err != nil || !changed {
			t.Fatal(changed, err)
		}
	}
	b.alike(t)
	r.Donors = []provision.Donor{{Name: "db3", Machine: b.host("m3"), Managed: true}}

	t.Run("a replica", func(t *testing.T) {
		b.on(t, "m2", "mariadb -e 'STOP SLAVE'")
		b.again(t, r)
		b.donor(t, "db3")
		if got := b.on(t, "m3", "mariadb -e 'SHOW SLAVE STATUS\\G' | grep -c 'Running: Yes'"); got != "2" {
			t.Errorf("the donor does not follow any more: %s", got)
		}
	})
	b.on(t, "m3", "mariadb -e 'STOP SLAVE'")
	t.Run("the source", func(t *testing.T) {
		b.again(t, r)
		b.donor(t, "db1")
	})
	t.Run("swap cut short", func(t *testing.T) { b.testSwapCutShort(t, r) })
	t.Run("half begun", func(t *testing.T) { b.testHalfBegun(t, r) })
	t.Run("silence", func(t *testing.T) {
		err := b.failing(t, r, func() {
			heal, err := b.Cut(t.Context(), lab.Cut{From: []string{"m1"}, To: []string{"m2"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = heal(context.Background()) })
			began := time.Now()
			b.on(t, "m2", "for n in $(seq 900); do if ! [ -e /run/clmgr-clone ]; then exit 0; fi; sleep 0.1; done; exit 1")
			t.Logf("noticed after %v", time.Since(began))
			if err := heal(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wantError(t, err, "cannot clone db2 from db1", "from db1")
		b.again(t, r)
	})
	t.Run("donor dies", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		before := b.state(t)
		b.slowly(t)
		failure := make(chan error)
		go func() { failure <- r.Sync(ctx, b.job(), true) }()
		b.arriving(t)
		if err := b.Machine("m1").Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err := <-failure
		t.Logf("after %v: %v", time.Since(began), err)
		wantError(t, err, "cannot clone db2 from db1", "from db1")
		if took := time.Since(began); took > 70*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := b.Machine("m1").PowerOn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Machine("m1").WaitSSH(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.quickly(t)
		b.on(t, "m1", "for n in $(seq 200); do if mariadb -e 'SELECT 1' >/dev/null 2>&1; then exit 0; fi; sleep 0.1; done; exit 1")
		b.unharmed(t, before)
		b.again(t, r)
	})
}

func (b *bench) donor(t *testing.T, want string) {
	t.Helper()
	if got := b.on(t, "m2", "sed -n 's/^donor //p' /var/lib/mysql/clmgr-cloned"); got != want {
		t.Errorf("the donor was %s, want %s", got, want)
	}
}

// testSwapCutShort finds the data directory as a machine that lost its power in the
// middle of a swap has it.
func (b *bench) testSwapCutShort(t *testing.T, r provision.Replica) {
	before := b.state(t)
	b.on(t, "m2", `cd /var/lib/mysql && systemctl stop mariadb
mkdir .clmgr-clone .clmgr-old && mv mysql .clmgr-old/ && mv shop ibdata1 .clmgr-old/
systemctl start mariadb 2>/dev/null; systemctl stop mariadb; ls -A | tr '\n' ' '`)
	d := b.member(1)
	if missing, err := missing(t, b.two, d); err != nil || !strings.Contains(missing, "a copy of the data was cut short") {
		t.Errorf("missing is %q, %v", missing, err)
	}
	install(t, d, b.two, true)
	b.unharmed(t, before)
	b.alike(t)
	b.on(t, "m2", `cd /var/lib/mysql && systemctl stop mariadb
mkdir .clmgr-old && mv mysql .clmgr-old/ && mv shop ibdata1 .clmgr-old/`)
	b.again(t, r)
	b.on(t, "m2", fmt.Sprintf("test $(mariadb -NBe 'SELECT @@server_id') = %d", d.ServerID))
}

// mute starts no jobs: what they come as, a script by standard input, never ends.
type mute struct{ job.Machine }

func (m mute) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	if stdin == nil {
		return m.Machine.Run(ctx, command, nil)
	}
	script, err := io.ReadAll(stdin)
	if err == nil && strings.Contains(command, "exec sudo -n sh") && strings.Contains(string(script), "systemd-run") {
		<-ctx.Done()
		err = ctx.Err()
	}
	if err != nil {
		return remote.Output{}, err
	}
	return m.Machine.Run(ctx, command, bytes.NewReader(script))
}

// testHalfBegun loses an owner who has started the receiving end only, and whose keys
// nobody has any more.
func (b *bench) testHalfBegun(t *testing.T, r provision.Replica) {
	j := b.job()
	half := r
	half.SourceMachine = mute{b.one}
	ctx, cancel := context.WithCancel(t.Context())
	failure := make(chan error)
	go func() { failure <- half.Sync(ctx, j, true) }()
	b.on(t, "m2", "for n in $(seq 200); do if grep -q waiting /run/clmgr-clone/*/phase 2>/dev/null && pgrep -f 'sshd.*clmgr-clone' >/dev/null; then exit 0; fi; sleep 0.1; done; exit 1")
	cancel()
	if err := <-failure; err == nil {
		t.Error("it came to an end")
	}
	j.Epoch++
	began := time.Now()
	if err := r.Sync(t.Context(), j, true); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it took %v: somebody waited for what cannot come", took)
	}
	b.alike(t)
}

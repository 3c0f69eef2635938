package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// bench is two bare machines that are made to carry services.
type bench struct {
	*lab.Lab
	one, two *remote.Host
	host     func(name string) *remote.Host
	jobs     atomic.Int32
}

func TestOnMachines(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Debian12(), lab.Databases()) // of which the second has all packages
	t.Run("unknown package", b.testUnknownPackage)
	t.Run("locked package database", b.testLocked)
	t.Run("killed", b.testKilled)
	t.Run("packages once", b.testOnce)
	t.Run("configuration refused", b.testRefused)
	t.Run("accounts put right", b.testAccounts)
	t.Run("replica", b.testReplica)
	t.Run("one look at all", b.testLookAtAll)
	t.Run("somebody's data", b.testForeign)
}

// boot returns the machines m1, m2 and so on of these images.
func boot(t *testing.T, images ...lab.Image) *bench {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a lab needs root")
	}
	var specs []lab.Spec
	for n, image := range images {
		specs = append(specs, lab.Spec{Name: fmt.Sprintf("m%d", n+1), Image: image})
	}
	l := labtest.Mixed(t, specs...)
	pool := remote.NewPool(remote.Options{Width: 4})
	t.Cleanup(func() { pool.Close() })
	settings := &remote.Settings{User: "root", Keys: []string{l.KeyFile()}, KnownHosts: []string{l.KnownHosts()}, Timeout: 10 * time.Second}
	host := func(name string) *remote.Host {
		return pool.Host(settings, remote.Machine{Name: name, IP: l.Machine(name).IP()})
	}
	return &bench{Lab: l, one: host("m1"), two: host("m2"), host: host}
}

func (b *bench) job() job.Job {
	return job.Job{Unit: fmt.Sprintf("clmgr-provision-%d", b.jobs.Add(1)), Epoch: 1, Try: 1, Limit: 3 * time.Minute}
}

func (b *bench) on(t *testing.T, machine, command string) string {
	t.Helper()
	out, _, err := b.Machine(machine).Run(t.Context(), command, nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v, want one line with %q", err, w)
		}
	}
}

func (b *bench) testUnknownPackage(t *testing.T) {
	_, err := provision.Packages{"no-such-package-at-all"}.Install(t.Context(), b.one, b.job())
	wantError(t, err, "cannot install no-such-package-at-all: exit status 100", "Unable to locate package")
	_, err = provision.Packages{"memcached=0.0.1"}.Install(t.Context(), b.one, b.job())
	wantError(t, err, "cannot install memcached=0.0.1", "'0.0.1' for 'memcached' was not found")
	if got := b.on(t, "m1", "ls /usr/sbin/policy-rc.d 2>&1 || true"); !strings.Contains(got, "No such file") {
		t.Errorf("policy-rc.d was left behind: %s", got)
	}
}

// testLocked has somebody else hold the package database for a while.
func (b *bench) testLocked(t *testing.T) {
	b.on(t, "m1", `systemd-run --quiet --unit=holder apt-get -y --no-install-recommends -o 'DPkg::Pre-Invoke::=touch /run/holds-it; sleep 5' install cron
for n in $(seq 400); do if [ -e /run/holds-it ]; then exit 0; fi; sleep 0.05; done; journalctl -u holder >&2; exit 1`)
	began := time.Now()
	changed, err := provision.Packages{"memcached"}.Install(t.Context(), b.one, b.job())
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if took := time.Since(began); took < 4*time.Second {
		t.Errorf("it took %v, so the lock was not held", took)
	}
	if got := b.on(t, "m1", "systemctl is-active memcached || true"); got != "inactive" {
		t.Errorf("what was installed is %s", got)
	}
}

// testKilled kills an installation while packages must start nothing. Others may start
// theirs again at once, and the next try goes on.
func (b *bench) testKilled(t *testing.T) {
	j := b.job()
	over := make(chan error)
	go func() {
		_, err := provision.Packages{"haproxy"}.Install(t.Context(), b.one, j)
		over <- err
	}()
	got := b.on(t, "m1", `for n in $(seq 2000); do if [ -e /usr/sbin/policy-rc.d ]; then break; fi; sleep 0.01; done
/usr/sbin/policy-rc.d haproxy start; echo $?
systemctl kill --signal=KILL `+j.Unit+`
while systemctl is-active --quiet `+j.Unit+` || [ "$(systemctl is-active `+j.Unit+`)" = activating ]; do sleep 0.05; done
/usr/sbin/policy-rc.d haproxy start; echo $?`)
	if got != "101\n0" {
		t.Errorf("asked while it was installed and after that, the policy said %q", got)
	}
	wantError(t, <-over, "cannot install haproxy: it ended by signal")
	if changed, err := (provision.Packages{"haproxy"}).Install(t.Context(), b.one, b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := b.on(t, "m1", "systemctl is-active haproxy; ls /usr/sbin/policy-rc.d 2>&1; true"); !strings.HasPrefix(got, "inactive\n") || !strings.Contains(got, "No such file") {
		t.Errorf("haproxy and the policy: %s", got)
	}
}

// testOnce installs what is there.
func (b *bench) testOnce(t *testing.T) {
	packages := provision.Packages{"mariadb-server", "mariadb-backup"}
	for host, bare := range map[*remote.Host]bool{b.one: true, b.two: false} {
		want := ""
		if bare {
			want = "not installed: " + strings.Join(packages, ", ")
		}
		if missing, err := missing(t, host, packages); err != nil || missing != want {
			t.Fatalf("missing are %v, %v", missing, err)
		}
		if changed, err := packages.Install(t.Context(), host, b.job()); err != nil || changed != bare {
			t.Fatal(changed, err)
		}
	}
	log := b.on(t, "m1", "stat -c '%Y %s' /var/log/dpkg.log")
	if changed, err := packages.Install(t.Context(), b.one, b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	if again := b.on(t, "m1", "stat -c '%Y %s' /var/log/dpkg.log"); again != log {
		t.Errorf("the package log changed from %s to %s", log, again)
	}
}

func (b *bench) database(name string) provision.MariaDB {
	return provision.MariaDB{
		Name: name, Unit: "mariadb", Port: 3306, ServerID: 1, MemPct: 1,
		Accounts: []provision.Account{
			{User: "clmgr", Password: secret.New("canary-monitor"), Privileges: []string{provision.MonitorPrivilege}},
			{User: "copies", Password: secret.New("canary-copies"), Privileges: []string{provision.CopyPrivilege}},
		},
	}
}

func install(t *testing.T, d provision.MariaDB, host *remote.Host, changed bool) {
	t.Helper()
	if got, err := d.Install(t.Context(), host); err != nil || got != changed {
		t.Fatalf("%s: changed %v, %v", d.Name, got, err)
	}
}

// testRefused gives the server a configuration that it does not start with: the old one
// serves again. One that it does not understand is not even put in place.
func (b *bench) testRefused(t *testing.T) {
	d := b.database("db1")
	install(t, d, b.one, true)
	install(t, d, b.one, false)
	state := func() string {
		return b.on(t, "m1", "stat -c %Y /etc/mysql/mariadb.conf.d/99-clmgr.cnf; sha256sum </etc/mysql/mariadb.conf.d/99-clmgr.cnf; ls -A /etc/mysql/mariadb.conf.d; mariadb -NBe 'SELECT @@port'")
	}
	before := state()
	broken := d
	broken.Port = 22 // sshd has it
	_, err := broken.Install(t.Context(), b.one)
	wantError(t, err, "cannot install db1: exit status 4", "the old configuration serves again", "running on port: 22")
	if after := state(); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	for setting, words := range map[string][]string{
		"no_such_setting = 1":                       {"exit status 3", "the server refuses the configuration", "no_such_setting"},
		"innodb_log_group_home_dir = /nowhere/else": {"exit status 4", "the old configuration serves again"},
	} {
		own := d
		own.Settings = []string{setting}
		_, err := own.Install(t.Context(), b.one)
		wantError(t, err, append(words, "cannot install db1: ")...)
		_, err = own.Configure(t.Context(), b.one)
		wantError(t, err, append(words, "cannot configure db1: ")...)
		if after := state(); after != before {
			t.Errorf("%s: it was\n%s\nand is\n%s", setting, before, after)
		}
	}
	b.on(t, "m1", "mv /usr/sbin/mariadbd /usr/sbin/mariadbd.real; printf '#!/bin/sh\necho refused by itself >&2; exit 7\n' >/usr/sbin/mariadbd; chmod 755 /usr/sbin/mariadbd")
	broken.Port = 3307
	_, err = broken.Install(t.Context(), b.one)
	b.on(t, "m1", "mv /usr/sbin/mariadbd.real /usr/sbin/mariadbd")
	wantError(t, err, "cannot install db1: exit status 3", "refused by itself")
	if after := state(); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// testAccounts changes accounts behind clmgr's back.
func (b *bench) testAccounts(t *testing.T) {
	d := b.database("db1")
	b.on(t, "m1", `mariadb -e "SET sql_log_bin = 0; CREATE USER ''@'%'; CREATE USER root@'10.%'; GRANT ALL ON *.* TO clmgr; SET PASSWORD FOR copies = PASSWORD('other'); CREATE DATABASE test"`)
	lacks, err := missing(t, b.one, d)
	want := `there is a database test; the account clmgr is not as configured; the account copies is not as configured; ` +
		`there is an account "" at "%"; there is an account "root" at "10.%"`
	if err != nil || lacks != want {
		t.Errorf("missing is %s, %v", lacks, err)
	}
	install(t, d, b.one, true)
	if missing, err := missing(t, b.one, d); err != nil || missing != "" {
		t.Errorf("missing is still %s, %v", missing, err)
	}
	if got := b.on(t, "m1", "mariadb --no-defaults -h 127.0.0.1 -u clmgr -pcanary-monitor -NBe 'SELECT CURRENT_USER()'"); got != "clmgr@%" {
		t.Errorf("logged in as %s", got)
	}
}

func (b *bench) replica() provision.Replica {
	return provision.Replica{
		Name: "db2", Machine: b.two, SourceMachine: b.one, Source: "db1",
		SourceAddr: netip.AddrPortFrom(b.Machine("m1").IP(), 3306), User: "copies", Password: secret.New("canary-copies"),
	}
}

// testReplica has a server follow another one, and refuses to where rows would be lost.
func (b *bench) testReplica(t *testing.T) {
	d := b.database("db2")
	d.ServerID, d.Replica = 2, true
	r := b.replica()
	var notYet *provision.NotYet
	if _, err := r.Replicate(t.Context(), b.job()); !errors.As(err, &notYet) {
		t.Errorf("the replica does not run: %v", err)
	}
	install(t, d, b.two, true)
	b.on(t, "m1", "systemctl stop mariadb")
	if _, err := r.Replicate(t.Context(), b.job()); !errors.As(err, &notYet) {
		t.Errorf("its source does not run: %v", err)
	}
	b.on(t, "m1", "systemctl start mariadb")
	wrong := r
	wrong.Password = secret.New("wrong")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	_, err := wrong.Replicate(ctx, b.job())
	cancel()
	wantError(t, err, "cannot replicate db2 from db1", "Access denied")
	b.on(t, "m2", "mariadb -e 'STOP SLAVE; RESET SLAVE ALL'")
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	b.on(t, "m2", "mariadb -e 'STOP SLAVE'")
	if missing, err := missing(t, r.Machine, r); err != nil || missing != "replication does not run (IO No, SQL No)" {
		t.Errorf("missing is %s, %v", missing, err)
	}
	if changed, err := r.Replicate(t.Context(), b.job()); err != nil || !changed {
		t.Error(changed, err)
	}
}

// testForeign leaves alone what clmgr has not made, and has nobody follow who has a history
// of its own.
func (b *bench) testForeign(t *testing.T) {
	b.on(t, "m2", "mariadb -e 'STOP SLAVE; RESET SLAVE ALL'")
	_, err := b.replica().Replicate(t.Context(), b.job())
	wantError(t, err, "it has held data of its own")
	b.on(t, "m2", "rm /var/lib/mysql/clmgr-managed; mariadb -e 'SET sql_log_bin = 0; CREATE DATABASE theirs'")
	d := b.database("db2")
	d.ServerID, d.MemPct = 2, 2
	_, err = d.Install(t.Context(), b.two)
	wantError(t, err, "/var/lib/mysql holds data that clmgr has not made", "theirs")
	if got := b.on(t, "m2", "grep buffer_pool /etc/mysql/mariadb.conf.d/99-clmgr.cnf; ls /var/lib/mysql/clmgr-managed 2>&1 || true"); strings.Count(got, "\n") != 1 {
		t.Errorf("it was touched: %s", got)
	}
}

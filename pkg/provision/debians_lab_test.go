package provision_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/secret"
)

// TestOnDebians does the same on Debian 12 and 13, whose MariaDB are 10.11 and 11.8.
func TestOnDebians(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Debian12(), lab.Debian13())
	for n, host := range []*remote.Host{b.one, b.two} {
		name := fmt.Sprintf("m%d", n+1)
		version := []string{"12", "13"}[n]
		if got := b.on(t, name, ". /etc/os-release; echo $VERSION_ID"); got != version {
			t.Fatalf("%s is Debian %s", name, got)
		}
		t.Run("Debian "+version, func(t *testing.T) {
			d := b.database("db" + version)
			d.ServerID = n + 12
			for i := range d.Accounts {
				d.Accounts[i].Password = secret.New("canary-" + rand.Text())
			}
			t.Run("secrets", func(t *testing.T) { b.testSecrets(t, d, name, host) })
			t.Run("laid out", func(t *testing.T) { b.testLaidOut(t, d, name) })
			t.Run("once", func(t *testing.T) { b.testNothingTwice(t, d, name, host) })
			t.Run("cut short", func(t *testing.T) { b.testCutShort(t, d, name, host) })
			t.Run("data cut short", func(t *testing.T) { b.testDataCutShort(t, d, name, host) })
			t.Run("memcached cut short", func(t *testing.T) { b.testMemcachedCutShort(t, name, host) })
		})
	}
	t.Run("newer replica", b.testNewerReplica)
}

// testSecrets lays a database out and looks for its passwords everywhere but where they
// belong. What looks is tried with a text that it must find.
func (b *bench) testSecrets(t *testing.T, d provision.MariaDB, name string, host *remote.Host) {
	control := "control-" + rand.Text()
	words := []string{control}
	for _, a := range d.Accounts {
		words = append(words, a.Password.Reveal())
	}
	stop, seen := make(chan struct{}), make(chan string)
	go func() { seen <- argumentLists(stop) }()
	if _, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), host, b.job()); err != nil {
		t.Error(err)
	}
	changed, err := d.Install(t.Context(), host)
	b.on(t, name, "sh -c 'sleep 0.2; true' "+control)
	close(stop)
	lists := <-seen
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.on(t, name, "echo "+control+" >/etc/control; logger "+control)
	files := b.in(t, name, "journalctl --sync; journalctl -o export >/root/journal; grep -rlaF -f - /etc /run /var/log /var/lib /tmp /root || true", strings.Join(words, "\n"))
	secrets := b.in(t, name, "grep -rlaF -f - /etc /run /var/log /var/lib /tmp /root || true; rm /root/journal /etc/control", strings.Join(words[1:], "\n"))
	if !strings.Contains(lists, control) || !strings.Contains(files, "/root/journal") || !strings.Contains(files, "/etc/control") {
		t.Errorf("the control was not found; in files: %s", files)
	}
	if secrets != "" {
		t.Errorf("passwords stand in %s", secrets)
	}
	for _, w := range words[1:] {
		if strings.Contains(lists, w) {
			t.Error("a password was in an argument list or an environment")
		}
	}
}

// argumentLists gathers the arguments and environments of all processes of this machine,
// which are also those of the lab's, until stop is closed.
func argumentLists(stop <-chan struct{}) string {
	seen := map[string]bool{}
	for {
		for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ"} {
			paths, _ := filepath.Glob(pattern)
			for _, path := range paths {
				text, _ := os.ReadFile(path)
				seen[string(text)] = true
			}
		}
		select {
		case <-stop:
			var all strings.Builder
			for text := range seen {
				all.WriteString(text)
			}
			return all.String()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (b *bench) in(t *testing.T, machine, command, stdin string) string {
	t.Helper()
	out, stderr, err := b.Machine(machine).Run(t.Context(), command, strings.NewReader(stdin))
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	return strings.TrimSpace(string(out))
}

// testLaidOut asks the server itself, over the network from the other machine.
func (b *bench) testLaidOut(t *testing.T, d provision.MariaDB, name string) {
	other := map[string]string{"m1": "m2", "m2": "m1"}[name]
	if other == "m2" { // it has no client yet
		other = name
	}
	for _, a := range d.Accounts {
		login := fmt.Sprintf("[client]\nuser=%s\npassword=%s\n", a.User, a.Password.Reveal())
		got := b.in(t, other, fmt.Sprintf("mariadb --defaults-file=/dev/stdin --skip-ssl -h %s -P %d -NBe 'SELECT CURRENT_USER(), @@server_id, @@gtid_strict_mode, @@log_bin'", b.Machine(name).IP(), d.Port), login)
		if want := fmt.Sprintf("%s@%%\t%d\t1\t1", a.User, d.ServerID); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for query, want := range map[string]string{
		"SELECT COUNT(*) FROM mysql.global_priv WHERE User = ''":                                        "0",
		"SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'":            "0",
		"SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'test'":                   "0",
		"SELECT @@GLOBAL.gtid_binlog_pos":                                                               "", // the accounts are this server's own
		"SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE LIKE '_clmgr_@%'":  "SLAVE MONITOR",
		"SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE LIKE '_copies_@%'": "REPLICATION SLAVE",
	} {
		if got := b.in(t, name, "mariadb -NB", query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// counted runs commands and counts them.
type counted struct {
	*remote.Host
	commands int
	script   string // of the last one
}

func (c *counted) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	c.commands++
	c.script = command
	return c.Host.Run(ctx, command, stdin)
}

// testNothingTwice lays out what is laid out.
func (b *bench) testNothingTwice(t *testing.T, d provision.MariaDB, name string, host *remote.Host) {
	state := func() string {
		return b.on(t, name, "stat -c '%n %y %z %i' /etc/mysql/mariadb.conf.d /etc/mysql/mariadb.conf.d/99-clmgr.cnf /var/lib/mysql/clmgr-managed; systemctl show -p InvocationID mariadb; stat -c '%s %y' /var/log/dpkg.log")
	}
	before := state()
	m := &counted{Host: host}
	if changed, err := (provision.Packages{"mariadb-server"}).Install(t.Context(), m, b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	if changed, err := d.Install(t.Context(), m); err != nil || changed {
		t.Error(changed, err)
	}
	if m.commands != 3 { // the third has nothing of a job to clear away
		t.Errorf("two looks, one of them as an action, took %d commands", m.commands)
	}
	if after := state(); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// testCutShort ends the step when the new configuration is in place and the server does
// not know it yet. The next try must not take the file for the server.
func (b *bench) testCutShort(t *testing.T, d provision.MariaDB, name string, host *remote.Host) {
	cut := func(port uint16) provision.MariaDB {
		b.in(t, name, "cat >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl", `#!/bin/sh
if [ "$*" = "restart mariadb" ]; then rm /usr/local/bin/systemctl; kill -9 $PPID; exit 1; fi
exec /usr/bin/systemctl "$@"
`)
		changed := d
		changed.Port = port
		if _, err := changed.Install(t.Context(), host); err == nil {
			t.Fatal("it was not cut short")
		}
		if got := b.on(t, name, "grep ^port /etc/mysql/mariadb.conf.d/99-clmgr.cnf; ls /usr/local/bin"); got != fmt.Sprintf("port = %d", port) {
			t.Fatalf("cut at another place: %s", got)
		}
		return changed
	}
	port := func() string { return b.on(t, name, "mariadb -NBe 'SELECT @@port'") }

	_, err := cut(22).Install(t.Context(), host) // sshd has it
	wantError(t, err, "cannot install "+d.Name+": exit status 4", "the old configuration serves again")
	if got := port(); got != "3306" {
		t.Errorf("after a configuration that was refused: port %s", got)
	}
	changed := cut(3307)
	if missing, err := missing(t, host, changed); err != nil || missing == "" {
		t.Errorf("nothing is missing, %v", err)
	}
	install(t, changed, host, true)
	if got := port(); got != "3307" {
		t.Errorf("the server serves port %s", got)
	}
	install(t, changed, host, false)
}

// testDataCutShort ends the making of a data directory when a part of it is there.
func (b *bench) testDataCutShort(t *testing.T, d provision.MariaDB, name string, host *remote.Host) {
	b.in(t, name, "systemctl stop mariadb; find /var/lib/mysql -mindepth 1 -delete; cat >/usr/local/bin/mariadb-install-db; chmod 755 /usr/local/bin/mariadb-install-db", `#!/bin/sh
rm /usr/local/bin/mariadb-install-db
setsid /usr/bin/mariadb-install-db "$@" &
until [ "$(find /var/lib/mysql -name global_priv.frm)" ]; do :; done
kill -9 -$!
kill -9 $PPID
`)
	if _, err := d.Install(t.Context(), host); err == nil {
		t.Fatal("it was not cut short")
	}
	if got := b.on(t, name, "ls /usr/local/bin; pgrep -l 'mariadb|mysql'; find /var/lib/mysql -name global_priv.frm -o -name sys_config.frm"); !strings.HasSuffix(got, "/global_priv.frm") || strings.Contains(got, "\n") {
		t.Fatalf("it was not cut in the middle: %s", got)
	}
	b.on(t, name, "rm /etc/mysql/mariadb.conf.d/99-clmgr.cnf; touch /var/lib/mysql/ibdata1")
	_, err := d.Install(t.Context(), host)
	wantError(t, err, "/var/lib/mysql holds no database, but ibdata1: move it away")
	b.on(t, name, "rm /var/lib/mysql/ibdata1")
	install(t, d, host, true)
	if got := b.on(t, name, "ls -A /var/lib/mysql | grep -i clmgr; mariadb -NBe \"CHECK TABLE mysql.global_priv\" | cut -f4"); got != "clmgr-managed\nOK" {
		t.Errorf("there is %s", got)
	}
	install(t, d, host, false)
}

// testMemcachedCutShort is testCutShort for memcached.
func (b *bench) testMemcachedCutShort(t *testing.T, name string, host *remote.Host) {
	c := provision.Memcached{Name: "cache", Unit: "memcached", Addr: netip.AddrPortFrom(b.Machine(name).IP(), 11211)}
	if _, err := (provision.Packages{"memcached"}).Install(t.Context(), host, b.job()); err != nil {
		t.Fatal(err)
	}
	if changed, err := c.Install(t.Context(), host); err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.in(t, name, "systemctl start memcached; cat >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl", `#!/bin/sh
if [ "$1" = restart ]; then rm /usr/local/bin/systemctl; kill -9 $PPID; exit 1; fi
exec /usr/bin/systemctl "$@"
`)
	c.Addr = netip.AddrPortFrom(c.Addr.Addr(), 11311)
	if _, err := c.Install(t.Context(), host); err == nil {
		t.Fatal("it was not cut short")
	}
	if got := b.on(t, name, "grep '^-p' /etc/memcached.conf; ls /usr/local/bin"); got != "-p 11311" {
		t.Fatalf("cut at another place: %s", got)
	}
	for _, want := range []bool{true, false} {
		if changed, err := c.Install(t.Context(), host); err != nil || changed != want {
			t.Errorf("changed %v, %v, want %v", changed, err, want)
		}
	}
	if got := b.on(t, name, "tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value memcached)/cmdline; ls /etc/memcached.conf*"); !strings.Contains(got, "-p 11311 ") || !strings.HasSuffix(got, "\n/etc/memcached.conf") && !strings.HasSuffix(got, " /etc/memcached.conf") {
		t.Errorf("what runs: %s", got)
	}
}

// testNewerReplica has the server of Debian 13 follow the one of Debian 12.
func (b *bench) testNewerReplica(t *testing.T) {
	password := "canary-" + rand.Text()
	for n, host := range []*remote.Host{b.one, b.two} {
		d := b.database(fmt.Sprintf("db%d", n+12))
		d.ServerID, d.Replica, d.Accounts[1].Password = n+12, n == 1, secret.New(password)
		install(t, d, host, true)
	}
	r := b.replica()
	r.Password = secret.New(password)
	stop, seen := make(chan struct{}), make(chan string)
	go func() { seen <- argumentLists(stop) }()
	changed, err := r.Replicate(t.Context(), b.job())
	close(stop)
	if lists := <-seen; strings.Contains(lists, password) {
		t.Error("the password was in an argument list or an environment")
	}
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	b.on(t, "m1", "mariadb -e 'CREATE DATABASE shop'")
	b.on(t, "m2", "for n in $(seq 200); do if mariadb -NBe 'SHOW DATABASES' | grep -qx shop; then exit 0; fi; sleep 0.05; done; exit 1")
	where := b.in(t, "m2", "journalctl --sync; journalctl -o export >/root/journal; grep -rlaF -f - /etc /run /var/log /var/lib /tmp /root || true", password)
	if where != "/var/lib/mysql/master.info" { // where the server itself keeps it
		t.Errorf("the password stands in %q", where)
	}
	if mode := b.on(t, "m2", "stat -c '%U %a' /var/lib/mysql/master.info"); mode != "mysql 660" {
		t.Errorf("its file is of %s", mode)
	}
}

package e2e_test

import (
	"strings"
	"testing"
)

func (k *taken) testRemovalRefused(t *testing.T) {
	k.untouched(t, "a refused removal", func() {
		k.run("services", "remove", "db2", "--wait").want(t, 5, "cannot remove db2: refused by not-confirmed: its data go for good: the databases shop, test; say --yes")
		k.run("services", "remove", "db1", "--yes").want(t, 5, "cannot remove db1: it is followed by db2, which must be removed or follow another one first")
		k.run("services", "remove", "demo", "--yes").want(t, 5, "a database goes alone: name one service")
		k.run("services", "remove", "lb3", "--yes").want(t, 1, "clmgr does not manage it")
		lines, reason := k.changes("remove", "db2")
		wantLines(t, lines, "the unit mariadb is stopped", "the file /etc/mysql/mariadb.conf.d/99-clmgr.cnf goes", "the file /usr/local/lib/clmgr/health goes",
			"the machine's account clmgr-health goes", "the data in /var/lib/mysql go for good: the databases shop, test")
		if reason != "its data go for good: the databases shop, test" {
			t.Errorf("the removal comes to %s", reason)
		}
		if _, reason := k.changes("remove", "db1"); !strings.Contains(reason, "refused: cannot remove db1: it is followed by db2") {
			t.Errorf("the removal of a primary comes to %s", reason)
		}
	})
}

func (k *taken) testRemoved(t *testing.T) {
	packages := k.on(t, "m2", "dpkg-query -W | sha256sum")
	k.run("services", "remove", "db2", "--yes", "--wait").want(t, 0)
	if e := k.heartbeat(3).service(t, "db2"); e.Code != "ER0003" {
		t.Errorf("removed, it is %+v", e)
	}
	left := k.on(t, "m2", `ls -A /var/lib/mysql | grep -v '^debian-'
find /etc /usr/local /run -xdev \( -path '*clmgr*' -o -path '/etc/mysql/*99-*' \) ! -path '/run/clmgr' ! -path '/run/clmgr/*' ! -name clmgr-provision.lock ! -name clmgr-health.lock
systemctl is-enabled mariadb clmgr-health 2>&1 | grep -x enabled; getent passwd clmgr-health; true`)
	if left != "" {
		t.Errorf("there is still\n%s", left)
	}
	if after := k.on(t, "m2", "dpkg-query -W | sha256sum"); after != packages {
		t.Error("packages have changed")
	}
	k.run("services", "remove", "db2", "--yes", "--wait").want(t, 0)
	k.run("services", "start", "db2", "--wait").want(t, 0)
	k.follows(t, "11")
	for _, verb := range []string{"stop", "start", "restart"} {
		k.run("services", verb, "db2", "--wait").want(t, 0)
	}
	k.follows(t, "12")
}

func (k *taken) testOthersRemoved(t *testing.T) {
	for _, name := range []string{"cache2", "lb2"} {
		k.run("services", "remove", name, "--wait").want(t, 0)
	}
	if got := k.on(t, "m2", `for f in /etc/memcached.conf /etc/haproxy/haproxy.cfg; do if [ -e $f ]; then echo $f; fi; done
systemctl is-enabled memcached haproxy; systemctl is-active memcached haproxy; true`); got != "disabled\ndisabled\ninactive\ninactive" {
		t.Errorf("of both there is\n%s", got)
	}
	k.run("services", "start", "cache2", "--wait").want(t, 0)
	// A removal that was cut short leaves nothing that starts, and is carried on.
	k.on(t, "m2", "systemctl stop mariadb; rm -rf /var/lib/mysql/mysql")
	k.run("services", "start", "db2", "--wait").want(t, 1, "/var/lib/mysql holds no database, but ")
	// Once nobody follows it, the primary may go too.
	k.run("services", "remove", "db2", "--yes", "--wait").want(t, 0)
	k.run("services", "remove", "db1", "--yes", "--wait").want(t, 0)
	if got := k.on(t, "m1", "ls -A /var/lib/mysql | grep -v '^debian-' || true"); got != "" {
		t.Errorf("of the primary there is\n%s", got)
	}
}

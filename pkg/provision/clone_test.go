package provision

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestChooseDonor(t *testing.T) {
	source := donorSeen{donor: Donor{Name: "db1", Managed: true}, source: true, running: true, logged: true, version: "10.11.6"}
	replica := donorSeen{donor: Donor{Name: "db2", Managed: true}, running: true, follows: true, logged: true, version: "10.11.19"}
	but := func(d donorSeen, change func(*donorSeen)) donorSeen {
		change(&d)
		return d
	}
	for _, c := range []struct {
		name, version, want string
		list                []donorSeen
	}{
		{"the source alone", "10.11.6", "db1", []donorSeen{source}},
		{"a replica that keeps up", "10.11.6", "db2", []donorSeen{source, replica}},
		{"one that does not", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.follows = false })}},
		{"one that does not know where it stands", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.logged = false })}},
		{"one that is off", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.running = false })}},
		{"one that is not clmgr's", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.donor.Managed = false })}},
		{"a source that is not clmgr's", "10.11.6", "db1", []donorSeen{but(source, func(d *donorSeen) { d.donor.Managed = false })}},
		{"files before a dump", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.version = "10.6.1" })}},
		{"files of a replica", "11.8.3", "db2", []donorSeen{source, but(replica, func(d *donorSeen) { d.version = "11.8.2" })}},
		{"a dump of a replica", "11.8.3", "db2", []donorSeen{source, replica}},
		{"never a newer replica", "10.11.6", "db1", []donorSeen{source, but(replica, func(d *donorSeen) { d.version = "11.8.2" })}},
		{"a newer source is told of later", "10.6.1", "db1", []donorSeen{source}},
		{"nobody runs", "10.11.6", "", []donorSeen{{source: true}, but(replica, func(d *donorSeen) { d.running = false })}},
	} {
		got, ok := chooseDonor(c.list, c.version)
		if got.Name != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.name, got.Name, ok, c.want)
		}
	}
}

func TestMayClone(t *testing.T) {
	here := hereSeen{software: software{version: "10.11.6"}, ours: true, free: 200 << 10}
	there := thereSeen{software: software{version: "10.11.6"}, running: true, size: 100 << 10}
	for _, c := range []struct {
		change func(*Clone, *hereSeen, *thereSeen)
		want   string
	}{
		{func(*Clone, *hereSeen, *thereSeen) {}, ""},
		{func(_ *Clone, h *hereSeen, _ *thereSeen) { h.version = "" }, "there is no mariadbd on its machine: install it first"},
		{func(_ *Clone, h *hereSeen, _ *thereSeen) { h.ours = false }, "/var/lib/mysql is not marked as clmgr's: install it first, which refuses what it has not made"},
		{func(_ *Clone, h *hereSeen, _ *thereSeen) { h.databases = []string{"a", "b"} }, `its databases (a, b) would be replaced by a copy; say --yes ("yes": true) if that is meant`},
		{func(c *Clone, h *hereSeen, _ *thereSeen) { h.databases, c.Replace = []string{"a"}, true }, ""},
		{func(_ *Clone, _ *hereSeen, s *thereSeen) { s.running = false }, "db1 does not run"},
		{func(_ *Clone, _ *hereSeen, s *thereSeen) { s.version = "11.8.2" }, "db1 is version 11.8.2, and db2 cannot follow what is newer than its own 10.11.6"},
		{func(_ *Clone, _ *hereSeen, s *thereSeen) { s.version = "10.6.20" }, ""},
		{func(_ *Clone, _ *hereSeen, s *thereSeen) { s.size = 130 << 10 }, "the copy needs 200 MiB in /var/lib/mysql, where 200 are free: the old data stay until the new ones serve"},
		{func(_ *Clone, h *hereSeen, s *thereSeen) { h.left, s.size = 1<<10, 130<<10 }, ""},
	} {
		clone, h, s := Clone{Name: "db2", Donor: Donor{Name: "db1"}}, here, there
		c.change(&clone, &h, &s)
		err := clone.may(h, s)
		if got := text(err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if errors.As(err, new(*Unwilling)) != strings.Contains(c.want, "--yes") {
			t.Errorf("%T: %v", err, err)
		}
	}
	if got := limitFor(300 << 10); got != 40*time.Minute {
		t.Error(got)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The file that says where a backup stands, by the names and in the shapes it has.
func TestPosition(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"xtrabackup_binlog_info", "mariadb-bin.000003\t5214\t0-1-57\n", "0-1-57"},
		{"mariadb_backup_binlog_info", "mariadb-bin.000003\t5214\t0-1-57", "0-1-57"},
		{"xtrabackup_binlog_info", "mariadb-bin.000003\t5214\t0-1-57,1-2-3\n", "0-1-57,1-2-3"},
		{"xtrabackup_binlog_info", "mariadb-bin.000003\t5214\t\n", ""},
		{"xtrabackup_binlog_info", "mariadb-bin.000003 5214\n", ""},
		{"xtrabackup_binlog_info", "", ""},
		{"other", "mariadb-bin.000003\t5214\t0-1-57\n", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-euc", "part="+quote(dir)+"\n"+positionScript+`printf %s "$position"`).CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%q: %s %v, want %q", c.text, out, err, c.want)
		}
	}
}

// A swap that was cut short anywhere is undone to what was there, and once more changes
// nothing.
func TestPutBack(t *testing.T) {
	for name, steps := range map[string]string{
		"not begun":    ``,
		"just begun":   `mkdir $old`,
		"one out":      `mkdir $old; mv $data/mysql $old`,
		"some out":     `mkdir $old; mv $data/mysql $old; mv $data/shop $old`,
		"stray ones":   `mkdir $old; mv $data/mysql $data/ibdata1 $old; echo stray >$data/ibdata1`,
		"all out":      `mkdir $old; mv $data/mysql $old; content -exec mv -t $old {} +; : >$old/.out`,
		"some in":      `mkdir $old; mv $data/mysql $old; content -exec mv -t $old {} +; : >$old/.out; mv $part/shop $part/new $data`,
		"all in":       `mkdir $old; mv $data/mysql $old; content -exec mv -t $old {} +; : >$old/.out; mv $part/* $data`,
		"undone twice": `mkdir $old; mv $data/mysql $old; content -exec mv -t $old {} +; : >$old/.out; mv $part/* $data; content -exec rm -rf {} +; rm $old/.out; mv $old/shop $data`,
	} {
		dir := t.TempDir()
		script := "db_unit=mariadb\n" + strings.ReplaceAll(cloneNames, mariadbData, dir) + `systemctl() { :; }
` + putBack + `
for d in $data $part; do mkdir -p $d/mysql $d/shop; echo $d >$d/shop/t; echo $d >$d/ibdata1; done
touch "$data/a b" $data/clmgr-managed $data/debian-10.11.flag $part/new
list() { cd $data; find . -path ./.clmgr-clone -prune -o -type f -exec sh -c 'for f; do echo "$f $(cat "$f")"; done' sh {} + | sort; find . -path ./.clmgr-clone -prune -o -type d -print | sort; cd /; }
list >` + dir + `.before
` + steps + `
putBack
list >` + dir + `.after
putBack
list >` + dir + `.again
diff ` + dir + `.before ` + dir + `.after && diff ` + dir + `.before ` + dir + `.again`
		if out, err := exec.Command("sh", "-euc", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}

package bench

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/secret"
)

// BenchmarkClone clones a database of 1 GB from one real machine to another, against the
// same by hand: mariadb-backup through ssh into mbstream, then --prepare. What a clone does
// besides, which is to stop a server, to see that all is on disk and to start the server
// with it, counts against it. Promised is a ratio of at most 1.25.
func BenchmarkClone(b *testing.B) {
	f := newClones(b, 1000)
	var ours, theirs, ratios []float64
	for range 3 {
		hand := clock(func() { f.hand(b) })
		f.on(b, "m2", "rm -rf /var/lib/mysql/.hand")
		product := clock(func() { f.product(b) })
		ours, theirs, ratios = append(ours, product), append(theirs, hand), append(ratios, product/hand)
		b.Logf("by hand %.0f ms, clone %.0f ms", hand, product)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "ms/clone")
	b.ReportMetric(median(theirs), "ms/hand")
	b.ReportMetric(median(ratios), "ratio")
}

// clones is a source with data and a machine for its replica.
type clones struct {
	*lab.Lab
	clone provision.Clone
	jobs  int
}

func newClones(b *testing.B, megabytes int) *clones {
	b.Helper()
	f := &clones{Lab: labtest.Up(b, lab.Debian12(), "m1", "m2")}
	pool := remote.NewPool(remote.Options{})
	b.Cleanup(func() { pool.Close() })
	settings := &remote.Settings{User: "root", Keys: []string{f.KeyFile()}, KnownHosts: []string{f.KnownHosts()}, Timeout: 10 * time.Second}
	var hosts []*remote.Host
	for n, name := range []string{"m1", "m2"} {
		host := pool.Host(settings, remote.Machine{Name: name, IP: f.Machine(name).IP()})
		if _, err := (provision.Packages{"mariadb-server", "mariadb-backup"}).Install(b.Context(), host, f.job()); err != nil {
			b.Fatal(err)
		}
		d := provision.MariaDB{Name: name, Unit: "mariadb", Port: 3306, ServerID: n + 1, Replica: n == 1, Accounts: []provision.Account{
			{User: "clmgr", Password: secret.New("clmgr"), Privileges: []string{provision.MonitorPrivilege}},
		}}
		if _, err := d.Install(b.Context(), host); err != nil {
			b.Fatal(err)
		}
		hosts = append(hosts, host)
	}
	f.on(b, "m1", fmt.Sprintf(`mariadb -e "CREATE DATABASE shop; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY, word CHAR(32), text VARCHAR(1000));
INSERT INTO orders SELECT seq, MD5(RAND()), REPEAT(MD5(seq), 30) FROM seq_1_to_%d"`, megabytes*1000))
	// The hand logs in as the clone does, with a key that one machine has for the other.
	f.on(b, "m1", "ssh-keygen -q -t ed25519 -N '' -f /root/hand")
	f.in(b, "m2", "cat >>/root/.ssh/authorized_keys", f.on(b, "m1", "cat /root/hand.pub"))
	f.clone = provision.Clone{
		Name: "db2", Machine: hosts[1], Addr: netip.AddrPortFrom(f.Machine("m2").IP(), 3306),
		Donor: provision.Donor{Name: "db1", Machine: hosts[0], Managed: true}, Replace: true,
	}
	return f
}

func (f *clones) product(b *testing.B) {
	b.Helper()
	if err := f.clone.Run(b.Context(), f.job()); err != nil {
		b.Fatal(err)
	}
}

func (f *clones) hand(b *testing.B) {
	b.Helper()
	f.on(b, "m2", "mkdir /var/lib/mysql/.hand")
	f.on(b, "m1", fmt.Sprintf(`mariadb-backup --backup --user=root --stream=mbstream --parallel=$(nproc) --target-dir=/run 2>/root/backup.log |
ssh -i /root/hand -c aes128-gcm@openssh.com -o Compression=no -o StrictHostKeyChecking=no root@%s 'mbstream -x -C /var/lib/mysql/.hand'`, f.Machine("m2").IP()))
	f.on(b, "m2", "cd /var/lib/mysql && mariadb-backup --prepare --use-memory=1G --target-dir=/var/lib/mysql/.hand 2>/root/prepare.log")
}

func (f *clones) job() job.Job {
	f.jobs++
	return job.Job{Unit: fmt.Sprintf("clmgr-bench-%d", f.jobs), Epoch: 1, Try: 1, Limit: 5 * time.Minute}
}

func (f *clones) on(b *testing.B, machine, command string) string {
	return f.in(b, machine, command, "")
}

func (f *clones) in(b *testing.B, machine, command, stdin string) string {
	b.Helper()
	out, stderr, err := f.Machine(machine).Run(b.Context(), command, strings.NewReader(stdin))
	if err != nil {
		b.Fatalf("%v: %s", err, stderr)
	}
	return string(out)
}

package monitor_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/monitor"
)

func (s *site) testHosts(t *testing.T) {
	s.run(t, "mkdir -p '/srv/a b'; mount -t tmpfs -o size=8m,nr_inodes=100 tmpfs '/srv/a b'")
	d := newDiary(t)
	h := monitor.Host{
		Machine: s.machine(), Ramdisk: monitor.Limits{Warning: 80, Critical: 95}, Inodes: monitor.Limits{Warning: 80, Critical: 95},
		Disk: monitor.Limits{Warning: 99, Critical: 99}, Clear: 10,
		Mounts: []monitor.Mount{{Path: "/srv/data", Blocks: monitor.Limits{Warning: 80, Critical: 95}}},
	}
	stop := watching(t, monitor.WatchHosts(d.options, []monitor.Host{h}))
	e := d.await(t, 0, "m1/disk:/srv/data: ok → absent")
	labels(t, e, map[string]string{"severity": "critical", "path": "/srv/data", "hostname": "m1", "machine": "m1"})
	fill := func(percent int) {
		t.Helper()
		s.run(t, "dd if=/dev/zero of='/srv/a b/new' bs=8k count="+strconv.Itoa(percent*1024/100)+" 2>/dev/null; mv '/srv/a b/new' '/srv/a b/data'")
	}
	fill(40)
	s.run(t, "head -c 3500000 /dev/zero > '/srv/a b/more'") // 40 % + 42 %
	labels(t, d.await(t, 1, "m1/ramdisk:/srv/a b: ok → warning"), map[string]string{"severity": "warning", "path": "/srv/a b"})
	s.run(t, "head -c 1200000 /dev/zero > '/srv/a b/most'")
	e = d.await(t, 2, "m1/ramdisk:/srv/a b: warning → critical")
	if !strings.HasSuffix(e.Reason, " % used") || e.IP != s.m.IP() {
		t.Errorf("%+v", e)
	}
	stop() // a restart makes no repeat
	stop = watching(t, monitor.WatchHosts(d.options, []monitor.Host{h}))
	s.run(t, "rm '/srv/a b/most' '/srv/a b/more'; cd '/srv/a b' && seq 85 | xargs touch")
	labels(t, d.await(t, 3, "m1/ramdisk:/srv/a b: critical → ok"), map[string]string{"severity": "critical", "resolved": "true"})
	d.await(t, 3, "m1/inodes:/srv/a b: ok → warning")
	s.run(t, "umount '/srv/a b'")
	labels(t, d.await(t, 5, "m1/inodes:/srv/a b: warning → unknown"), map[string]string{"resolved": "true"})
	s.run(t, "mkdir -p /srv/data; mount -t tmpfs -o size=1m tmpfs /srv/data")
	d.await(t, 6, "m1/disk:/srv/data: absent → unknown")
	d.want(t, "m1/disk:/srv/data: ok → absent", "m1/ramdisk:/srv/a b: ok → warning", "m1/ramdisk:/srv/a b: warning → critical",
		"m1/ramdisk:/srv/a b: critical → ok", "m1/inodes:/srv/a b: ok → warning", "m1/inodes:/srv/a b: warning → unknown", "m1/disk:/srv/data: absent → unknown")
	stop()
	t.Run("memory", s.testMemory)
	t.Run("no shell", s.testNoShell)
}

// testMemory fills memory until it is told, from a limit that is a little above what is
// used now: others use the same memory.
func (s *site) testMemory(t *testing.T) {
	used, err := strconv.ParseFloat(strings.TrimSpace(s.run(t, `awk '/^MemTotal/ {t=$2} /^MemAvailable/ {a=$2} END {print 100*(t-a)/t}' /proc/meminfo`)), 64)
	if err != nil {
		t.Fatal(err)
	}
	d := newDiary(t)
	h := monitor.Host{Machine: s.machine(), Memory: monitor.Limits{Warning: used + 4, Critical: 100}, Clear: 1}
	watching(t, monitor.WatchHosts(d.options, []monitor.Host{h}))
	s.run(t, "mkdir -p /srv/eaten; mount -t tmpfs -o size=6g tmpfs /srv/eaten")
	for n := 0; len(d.all()) == 0; n++ {
		if n == 24 {
			t.Fatal("6 GiB are eaten and nothing is told")
		}
		s.run(t, "head -c 268435456 /dev/zero > /srv/eaten/"+strconv.Itoa(n)+"; sleep 0.3")
	}
	labels(t, d.await(t, 0, "m1/memory: ok → warning"), map[string]string{"severity": "warning", "hostname": "m1"})
	s.run(t, "umount /srv/eaten")
	labels(t, d.await(t, 1, "m1/memory: warning → ok"), map[string]string{"severity": "warning", "resolved": "true"})
}

// A machine that answers and does not say what was asked is told of once.
func (s *site) testNoShell(t *testing.T) {
	d := newDiary(t)
	h := monitor.Host{Machine: s.machine(), Memory: monitor.Limits{Warning: 100, Critical: 100}}
	h.Every = 50 * time.Millisecond
	s.run(t, "mv /usr/bin/df /usr/bin/df.away")
	watching(t, monitor.WatchHosts(d.options, []monitor.Host{h}))
	e := d.await(t, 0, "m1/look: answering → failed")
	labels(t, e, map[string]string{"internal": "true", "machine": "m1"})
	if e.Reason != "df printed nothing" {
		t.Errorf("%+v", e)
	}
	s.run(t, "sleep 0.5; mv /usr/bin/df.away /usr/bin/df")
	d.await(t, 1, "m1/look: failed → answering")
	d.want(t, "m1/look: answering → failed", "m1/look: failed → answering")
}

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/porttest"
)

// reloadConfig is of a machine that the daemon itself runs on. It has a watcher, a rule
// and a place for alerts, so that most loops are begun anew each time.
const reloadConfig = `
manager: watcher
state_dir: %[1]s/state
daemon: {interval: 1s, listen: '%[2]s'}
heartbeat: {deadline: 5s, probe_timeout: 2s}
modes: {there: {port: 22, tcp: {}}}
peers: {watch: always, interval: 200ms}
alerts: {places: {ops: {program: [/bin/true]}}}
rules: {odd: {when: {type: logs}, min_delay: %[4]dm, do: {script: {path: /bin/true}}}}
clusters:
  c:
    instances: [{name: here, ip: 127.0.0.1, here: true}]
    services: [{name: s1, mode: there, instance: here, port: %[3]d}]
    logs: [{name: log%[4]d, instance: here, file: %[1]s/log, match: [{name: odd, regexp: never seen}]}]
    host: {}
`

// TestReloads has a daemon read its configuration again for a minute, as fast as
// somebody can write it, good files and bad ones. It goes on as one process, and no
// heartbeat is missed.
func TestReloads(t *testing.T) {
	t.Parallel()
	dir, service, listen := t.TempDir(), porttest.Accepting(t, "127.0.0.1"), porttest.Free(t)
	file := filepath.Join(dir, "clmgr.yaml")
	good := func(n int) string { return fmt.Sprintf(reloadConfig, dir, listen, service, n) }
	write := func(text string) {
		t.Helper()
		next := file + ".next"
		must(t, os.WriteFile(next, []byte(text), 0o600))
		must(t, os.Rename(next, file))
	}
	must(t, os.WriteFile(filepath.Join(dir, "log"), nil, 0o600))
	write(good(1))
	daemon := startFor(t, 3*time.Minute, nil, "-c", file, "daemon")
	page := func() map[string]float64 { return metrics(t, listen) }
	eventually(t, "a heartbeat", func() bool { return page()[`clmgr_heartbeats_total{outcome="recorded"}`] > 0 })

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	first, began, reloads := page(), time.Now(), 0
	for n := 2; time.Since(began) < time.Minute; n++ {
		text := good(n)
		switch random.IntN(6) {
		case 0:
			text = text[:random.IntN(len(text))] // as if it were written in place
		case 1:
			text = strings.Replace(text, "mode: there", "mode: nowhere", 1)
		case 2:
			at := random.IntN(len(text))
			text = text[:at] + "\x00[" + text[at:]
		}
		write(text)
		must(t, daemon.cmd.Process.Signal(syscall.SIGHUP))
		reloads++
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
	}
	write(good(1_000_000))
	must(t, daemon.cmd.Process.Signal(syscall.SIGHUP))
	clmgrListed := func() string { return clmgr(t, "", "-c", file, "-o", "table", "watch", "list").stdout }
	eventually(t, "the last one counts", func() bool {
		list := clmgrListed()
		return strings.Contains(list, "log1000000") && strings.Contains(list, "watching")
	})
	took := time.Since(began)
	last := page()
	beats := last[`clmgr_heartbeats_total{outcome="recorded"}`] - first[`clmgr_heartbeats_total{outcome="recorded"}`]
	done, refused := last[`clmgr_daemon_reloads_total{outcome="done"}`], last[`clmgr_daemon_reloads_total{outcome="refused"}`]
	t.Logf("%d signals in %s: %.0f taken, %.0f refused; %.0f heartbeats, %.0f missed; %.1f MB, then %.1f MB", reloads, took.Round(time.Second),
		done, refused, beats, last["clmgr_heartbeats_missed_total"], first["process_resident_memory_bytes"]/1e6, last["process_resident_memory_bytes"]/1e6)
	if done < 20 || refused < 5 {
		t.Error("too few for this test to say anything")
	}
	if failed := last[`clmgr_heartbeats_total{outcome="failed"}`]; failed > 0 || last["clmgr_heartbeats_missed_total"] > 0 {
		t.Errorf("%.0f heartbeats failed, %.0f were missed", failed, last["clmgr_heartbeats_missed_total"])
	}
	if want := took.Seconds(); beats < want-2 {
		t.Errorf("%.0f heartbeats, want %.0f", beats, want)
	}
	must(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
	daemon.wait().want(t, 0)
}

// metrics is what a daemon serves at an address, by name and labels; nothing while it
// does not answer.
func metrics(t *testing.T, address string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return out
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); found && err == nil {
			out[name] = n
		}
	}
	return out
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// BenchmarkNothingDue is a heartbeat over 200 SSH hosts with 100 waiting actions of
// which none is due, against the same with --no-act: what acting costs where there
// is nothing to do.
func BenchmarkNothingDue(b *testing.B) {
	f := newFarm(b)
	text := fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
ssh: %s
clusters:
  c:
    instances:
%s`, b.TempDir(), f.settings(), f.instances())
	acting := beats(b, text)
	var doc strings.Builder
	for i := range 100 {
		fmt.Fprintf(&doc, `%s{"do_level":"instances","do_action":"stop","do_group":"h%d","event_type":"instances","event_ip":"%s","event_state":"terminated"}`,
			map[bool]string{true: `{"actions":[`, false: ","}[i == 0], i, f.ip(i))
	}
	doc.WriteString("]}")
	if r := acting(command.Command{Level: "actions", Action: "add", Document: doc.String()}); r.Code != command.OK {
		b.Fatalf("%s: %s", r.Code, r.Reason)
	}
	look := command.Command{Level: "instances", Action: "heartbeat"}
	quiet := look
	quiet.NoAct = true
	acting(look)
	duel(b, func() { mustRun(b, acting(look)) }, func() { mustRun(b, acting(quiet)) })
}

// beats returns a function that executes one command with a manager of its own.
func beats(b *testing.B, text string) func(command.Command) command.Result {
	b.Helper()
	path := filepath.Join(b.TempDir(), "clmgr.yaml")
	write(b, path, text)
	cfg, err := config.Load(path, manager.Known())
	if err != nil {
		b.Fatal(err)
	}
	return func(c command.Command) command.Result {
		m, err := manager.New(context.Background(), cfg, manager.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		return m.Do(context.Background(), c)
	}
}

func mustRun(b *testing.B, r command.Result) {
	b.Helper()
	if r.Code != command.OK {
		b.Fatalf("%s: %s", r.Code, r.Reason)
	}
}

// BenchmarkThousandActions does 1,000 short actions on 50 SSH hosts, each a command
// of 20 ms on its host, at the usual width and one after the other, in the same run.
func BenchmarkThousandActions(b *testing.B) {
	const queued, hosts = 1000, 50
	f := newFarm(b)
	pool := remote.NewPool(remote.Options{Width: sshWidth})
	defer pool.Close()
	settings := &remote.Settings{
		User: f.user, Port: f.srv.Addr.Port(), Keys: []string{f.site.Key}, KnownHosts: []string{f.site.KnownHosts}, Timeout: 30 * time.Second,
	}
	var peak atomic.Uint64
	handler := func(ctx context.Context, a actions.Action) error {
		if a.ID.Seq%50 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.Sys-m.HeapReleased))
		}
		host := pool.Host(settings, remote.Machine{IP: netip.MustParseAddr(f.ip(int(a.ID.Seq % hosts)))})
		out, err := host.Run(ctx, "sleep 0.02", nil)
		if err == nil && out.Exit != 0 {
			err = errors.New(string(out.Stderr))
		}
		return err
	}
	for b.Loop() {
		wide := doAll(b, 50, queued, handler)
		narrow := doAll(b, 1, queued, handler)
		b.ReportMetric(wide.Seconds(), "s/1000")
		b.ReportMetric(narrow.Seconds(), "s/1000-one-by-one")
		b.ReportMetric(narrow.Seconds()/wide.Seconds(), "times-faster")
		b.ReportMetric(float64(peak.Load())/1e6, "MB")
	}
	b.ReportMetric(0, "ns/op")
}

// doAll queues actions in a new queue and does them all.
func doAll(b *testing.B, width, queued int, handler runner.Handler) time.Duration {
	b.Helper()
	open := func() store.Store {
		s, err := store.Open(b.Context(), "file:"+b.TempDir(), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	limits, words := actions.Usual(), actions.UsualWords()
	l := ledger.New(ledger.Options{Shared: open(), Own: open(), Manager: "bench", Limits: limits})
	r := runner.New(runner.Options{
		Ledger: l, Manager: "bench", Limits: limits, Words: words, Width: width, Grace: time.Second,
		Handler: func(actions.Action) runner.Handler { return handler },
	})
	var drafts []actions.Action
	for i := range queued {
		drafts = append(drafts, actions.Action{Cluster: "c", Do: command.Command{Level: "services", Action: "start", Group: fmt.Sprintf("s%d", i)}})
	}
	if _, err := l.Add(b.Context(), actions.Request{Drafts: drafts, Words: words}); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	told, err := r.Run(b.Context(), runner.Input{})
	took := time.Since(began)
	done := 0
	for _, t := range told {
		if t.Move == actions.MoveFinish {
			done++
		}
	}
	if err != nil || done != queued {
		b.Fatalf("%d of %d done: %v", done, queued, err)
	}
	return took
}

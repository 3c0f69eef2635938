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

	"golang.org/x/sync/errgroup"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
	"github.com/clmgr/clmgr/pkg/actions/runner"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// BenchmarkNothingDue is a heartbeat over 10,000 TCP services with 100 waiting actions
// of which none is due, against the same with --no-act: what acting costs where there
// is nothing to do. Beside it is what one read of the store costs.
func BenchmarkNothingDue(b *testing.B) {
	const hosts = 100
	ip := func(i int) string { return fmt.Sprintf("127.0.2.%d", i%hosts+1) }
	dir, port := b.TempDir(), farSide(b, hosts, ip)
	text := fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
modes: {door: {tcp: {}, port: %d, unit: door}}
clusters:
  c:
    services:
%s`, dir, port, list(10_000, func(i int) string { return fmt.Sprintf("{name: s%d, mode: door, ip: %s}", i, ip(i)) }))
	do := beats(b, text)
	var drafts []string
	for i := range 100 {
		drafts = append(drafts, fmt.Sprintf(
			`{"do_level":"services","do_action":"stop","do_group":"s%d","event_type":"services","event_ip":"%s","event_state":"stopped"}`, i, ip(i)))
	}
	mustRun(b, do(command.Command{Level: "actions", Action: "add", Document: `{"actions":[` + strings.Join(drafts, ",") + `]}`}))
	look := command.Command{Level: "instances", Action: "heartbeat"}
	quiet := look
	quiet.NoAct = true
	mustRun(b, do(look))
	duel(b, func() { mustRun(b, do(look)) }, func() { mustRun(b, do(quiet)) })
	documents, err := store.Open(b.Context(), "file:"+filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(clock(func() {
		if _, err := documents.Get(b.Context(), "actions"); err != nil {
			b.Fatal(err)
		}
	}), "ms/store-read")
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
// of 100 ms on its host, fifty at once; against a hundred of them one after the other,
// and against the same commands over the same connections without a queue. All hosts
// are this one: what sshd and the commands cost is bound by its processors.
func BenchmarkThousandActions(b *testing.B) {
	const queued, few, hosts = 1000, 100, 50
	f := newFarm(b)
	pool := remote.NewPool(remote.Options{Width: sshWidth})
	defer pool.Close()
	settings := &remote.Settings{
		User: f.user, Port: f.srv.Addr.Port(), Keys: []string{f.site.Key}, KnownHosts: []string{f.site.KnownHosts}, Timeout: 30 * time.Second,
	}
	run := func(ctx context.Context, n uint64) error {
		host := pool.Host(settings, remote.Machine{IP: netip.MustParseAddr(f.ip(int(n % hosts)))})
		out, err := host.Run(ctx, "sleep 0.1", nil)
		if err == nil && out.Exit != 0 {
			err = errors.New(string(out.Stderr))
		}
		return err
	}
	var peak atomic.Uint64
	handler := func(ctx context.Context, a actions.Action) error {
		if a.ID.Seq%50 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.Sys-m.HeapReleased))
		}
		return run(ctx, a.ID.Seq)
	}
	for n := range uint64(hosts) { // log in
		if err := run(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		wide := doAll(b, 50, queued, handler).Seconds()
		narrow := doAll(b, 1, few, handler).Seconds() * queued / few
		floor := clock(func() {
			var all errgroup.Group
			all.SetLimit(50)
			for n := range uint64(queued) {
				all.Go(func() error { return run(b.Context(), n) })
			}
			if err := all.Wait(); err != nil {
				b.Error(err)
			}
		}) / 1000
		b.ReportMetric(wide, "s/1000")
		b.ReportMetric(narrow, "s/1000-one-by-one")
		b.ReportMetric(narrow/wide, "times-faster")
		b.ReportMetric(wide/floor, "ratio-to-no-queue")
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

package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/actions/ledger"
)

// The five histories of a store that forgets, with a real memcached that is
// flushed or killed, real state directories and the real ledger and runner.

// history plays one with three managers that have watched for long enough to
// claim at once, each with a handler of g for every action.
func history(t *testing.T, play func(t *testing.T, mc *memcached, g *gauge, m1, m2, m3 *manager)) {
	mc := startMemcached(t)
	synctest.Test(t, func(t *testing.T) {
		s := mc.site(t)
		var g gauge
		all := []*manager{s.manager("m1"), s.manager("m2"), s.manager("m3")}
		for _, m := range all {
			for _, group := range []string{"x", "y", "z"} {
				m.handlers[group] = g.does(time.Minute, nil)
			}
		}
		all[0].add("seed")
		for range 2 {
			for _, m := range all {
				m.look()
			}
			time.Sleep(lease)
		}
		play(t, mc, &g, all[0], all[1], all[2])
	})
}

// losses are the ways in which a memcached forgets.
func losses(t *testing.T, play func(t *testing.T, lose func(*memcached))) {
	t.Run("flushed", func(t *testing.T) { play(t, func(m *memcached) { m.Flush() }) })
	t.Run("restarted", func(t *testing.T) { play(t, func(m *memcached) { m.Restart() }) })
}

func (g *gauge) want(t *testing.T, attempts int) {
	t.Helper()
	if all, most := g.count(); all != attempts || most > 1 {
		t.Errorf("%d attempts, %d at once; want %d, one at a time", all, most, attempts)
	}
}

// (a) M1 finishes X, the copy of M2 says waiting, the store forgets, M2 looks first.
func TestHistoryAOnMemcached(t *testing.T) {
	t.Parallel()
	losses(t, func(t *testing.T, lose func(*memcached)) {
		history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, _ *manager) {
			x := m1.add("x")[0]
			m2.want(x, actions.Waiting, 0)
			m2.link.cut(true)
			if got := m1.runs(); got != "claim:x finish:x" {
				t.Error(got)
			}
			lose(mc)
			m2.link.cut(false)
			m2.want(x, actions.Waiting, 0)
			time.Sleep(lease - time.Second)
			if got := m2.runs(); got != "" {
				t.Errorf("M2 did %s before M1 could say what it knows", got)
			}
			m1.want(x, actions.Done, 0)
			time.Sleep(time.Hour)
			if got := m2.runs() + m1.runs(); got != "" {
				t.Error(got)
			}
			m2.want(x, actions.Done, 0)
			g.want(t, 1)
		})
	})
}

// (b) M1 works under a lease, the store forgets, M2 restores a copy from before
// the lease.
func TestHistoryBOnMemcached(t *testing.T) {
	t.Parallel()
	losses(t, func(t *testing.T, lose func(*memcached)) {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprintf("M1 cut off %v", cut), func(t *testing.T) {
				history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, m3 *manager) {
					m1.handlers["x"] = g.does(10*time.Minute, nil)
					x := m1.add("x")[0]
					m2.want(x, actions.Waiting, 0)
					m2.link.cut(true)
					first := m1.goes(t.Context())
					time.Sleep(lease - time.Second)
					lose(mc)
					m1.link.cut(cut)
					m2.link.cut(false)
					m2.want(x, actions.Waiting, 0)
					did := ""
					for range 20 { // M2 and M3 look; M1 beats, or cannot
						did += m2.runs() + m3.runs()
						time.Sleep(lease / 3)
					}
					if !cut {
						if got := <-first; did != "" || got != "claim:x finish:x" {
							t.Errorf("M1 did %s, the others %s", got, did)
						}
						g.want(t, 1)
						return
					}
					if did != "claim:x finish:x" {
						t.Errorf("the others did %s", did)
					}
					<-first // it was stopped, and could not say so
					m1.link.cut(false)
					m1.want(x, actions.Done, 0)
					m3.want(x, actions.Done, 0)
					g.want(t, 2)
				})
			})
		}
	})
}

// (c) The memcached restarts and its swap ids start again, so that an old swap
// would succeed: here it comes when the new document has the very id that it
// had read. Nothing that came since is lost.
func TestHistoryCOnMemcached(t *testing.T) {
	t.Parallel()
	history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, m3 *manager) {
		x := m1.add("x")[0]
		old := mc.swapID()
		var y actions.ID
		m1.link.set(func(l *link) {
			l.between = func() {
				mc.Restart()
				y = m2.add("y")[0]
				for n := 0; mc.swapID() != old; n++ {
					if n > 100 {
						t.Fatalf("the swap id never is %s again", old)
					}
					hold := actions.Hold{Group: "elsewhere", Reason: fmt.Sprint(n), At: time.Now()}
					err := m2.Change(t.Context(), "hold", func(v ledger.View) error {
						_, err := v.Queue.Hold(v.Writer, hold)
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		})
		if err := m1.Change(t.Context(), "nothing", func(v ledger.View) error {
			_, err := v.Queue.Hold(v.Writer, actions.Hold{Group: "there", Reason: "so", At: v.Now})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if m1.link.calls < 2 {
			t.Error("a swap that had read the old document went through")
		}
		m3.want(y, actions.Waiting, 0)
		m3.want(x, actions.Waiting, 0)
		if got := m1.runs() + m2.runs() + m3.runs(); got != "" {
			t.Errorf("in a new document %s", got)
		}
		time.Sleep(lease)
		did := strings.Fields(m3.runs())
		if slices.Sort(did); fmt.Sprint(did) != "[claim:x claim:y finish:x finish:y]" {
			t.Error(did)
		}
		if got := m1.runs() + m2.runs(); got != "" {
			t.Error(got)
		}
		if all, _ := g.count(); all != 2 {
			t.Errorf("%d attempts", all)
		}
	})
}

// (d) A done action that was pruned comes back as waiting from a manager that
// was cut off for long.
func TestHistoryDOnMemcached(t *testing.T) {
	t.Parallel()
	losses(t, func(t *testing.T, lose func(*memcached)) {
		history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, m3 *manager) {
			x := m1.add("x")[0]
			m3.want(x, actions.Waiting, 0)
			m3.link.cut(true)
			if got := m1.runs(); got != "claim:x finish:x" {
				t.Error(got)
			}
			time.Sleep(3 * time.Hour)
			m1.cancel(m1.look().Queue.All()[0].ID) // any change prunes
			gone := func(m *manager) {
				t.Helper()
				if _, there := m.look().Queue.Get(x); there {
					t.Errorf("%s still has it", m.name)
				}
			}
			gone(m1)
			gone(m2)
			m3.link.cut(false)
			gone(m3)
			lose(mc)
			for range 5 {
				if got := m3.runs() + m2.runs() + m1.runs(); got != "" {
					t.Error(got)
				}
				gone(m3)
				time.Sleep(lease)
			}
			g.want(t, 1)
		})
		// The same, but the store forgets while M3 is still cut off, and M3 looks first.
		history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, m3 *manager) {
			x := m1.add("x")[0]
			m3.want(x, actions.Waiting, 0)
			m3.link.cut(true)
			m1.runs()
			time.Sleep(3 * time.Hour)
			m1.cancel(m1.look().Queue.All()[0].ID)
			lose(mc)
			m3.link.cut(false)
			m3.want(x, actions.Waiting, 0)
			for range 5 {
				if got := m3.runs() + m1.runs() + m2.runs(); got != "" {
					t.Error(got)
				}
				time.Sleep(lease / 2)
			}
			if _, there := m3.look().Queue.Get(x); there {
				t.Error("M3 still has it")
			}
			g.want(t, 1)
		})
	})
}

// (e) The only copy sits on a laptop that does not look again: whoever asked was
// told that nobody else holds it. Once another holds it, the laptop may go.
func TestHistoryEOnMemcached(t *testing.T) {
	t.Parallel()
	losses(t, func(t *testing.T, lose func(*memcached)) {
		history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, laptop *manager) {
			laptop.link.cut(true)
			receipt, err := laptop.Add(t.Context(), actions.Request{Words: actions.UsualWords(), Drafts: []actions.Action{draft("x")}})
			x := receipt.Added[0].ID
			if err == nil || len(receipt.Holders[x]) != 0 || !strings.Contains(err.Error(), "this manager alone holds") {
				t.Errorf("held by %v (%v)", receipt.Holders, err)
			}
			lose(mc)
			time.Sleep(time.Hour)
			if got := m1.runs() + m2.runs(); got != "" {
				t.Error(got)
			}
			laptop.link.cut(false)
			laptop.look()
			if got := laptop.look().Queue.Holders(x); len(got) != 1 || !strings.HasPrefix(got[0], "m3-") {
				t.Errorf("held by %v", got)
			}
			m1.look()
			m1.add("y") // a change says what its disk holds
			if got := m1.look().Queue.Holders(x); len(got) != 2 || !slices.IsSorted(got) || !strings.HasPrefix(got[0], "m1-") {
				t.Errorf("held by %v", got)
			}
			laptop.link.cut(true) // for ever
			lose(mc)
			m2.look()
			m1.look()
			time.Sleep(lease)
			if got := m1.runs(); !strings.Contains(got, "claim:x") || !strings.Contains(got, "finish:x") {
				t.Errorf("M1 did %s", got)
			}
			m2.want(x, actions.Done, 0)
		})
	})
}

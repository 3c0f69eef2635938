package runner_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/memcachedtest"
	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/store"
)

// memcached is a real one, on a free port of the loopback.
type memcached struct {
	*memcachedtest.Server
	t testing.TB
}

func startMemcached(t testing.TB) *memcached {
	t.Helper()
	return &memcached{memcachedtest.Start(t, "127.0.0.1"), t}
}

// swapID returns the swap id of the one document; pointers have shorter keys.
func (m *memcached) swapID() string {
	m.t.Helper()
	for _, key := range m.Keys() {
		if strings.Count(key, ":") != 3 {
			continue
		}
		if words := strings.Fields(m.Say("gets "+key, "END")[0]); len(words) > 1 {
			return words[len(words)-1]
		}
	}
	m.t.Fatal("there is no document")
	return ""
}

// site makes managers that share this memcached. It is called in their bubble.
func (m *memcached) site(t testing.TB) *site {
	m.t = t
	return &site{t: t, forgets: true, began: time.Now().Add(-time.Hour), open: func() store.Store {
		return openStore(t, "memcached://"+m.Address)
	}}
}

// A memcached that is killed under a working manager, and is back in time.
func TestMemcachedRestartsUnderWork(t *testing.T) {
	t.Parallel()
	history(t, func(t *testing.T, mc *memcached, g *gauge, m1, m2, _ *manager) {
		m1.handlers["x"] = g.does(5*time.Minute, nil)
		x := m1.add("x")[0]
		ran := m1.goes(context.WithoutCancel(t.Context()))
		time.Sleep(time.Minute)
		mc.Kill()
		time.Sleep(lease / 2)
		mc.Up()
		for range 20 {
			if got := m2.runs(); got != "" {
				t.Error(got)
			}
			time.Sleep(lease / 3)
		}
		if got := <-ran; got != "claim:x finish:x" {
			t.Error(got)
		}
		m2.want(x, actions.Done, 0)
		g.want(t, 1)
	})
}

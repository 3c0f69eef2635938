package e2e_test

import (
	"testing"

	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// newMemcached starts one at an address of this host, for managers to share.
func newMemcached(t *testing.T, ip string) *memcachedtest.Server {
	t.Helper()
	return memcachedtest.Start(t, ip)
}

// shares lets a manager use it as its store.
func (c *conf) shares(s *memcachedtest.Server) {
	c.Store, c.StoreKey = "memcached://"+s.Address+"/clmgr", "a key that signs what managers share"
}

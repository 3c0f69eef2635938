package manager

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/store"
)

// stores are where a manager keeps documents.
type stores struct {
	shared  store.Store // with other managers
	own     store.Store // on this machine's disk, whatever the shared one is
	records store.Store // what this manager saw last: it alone reads that
	forgets bool        // the shared one may lose documents
}

// openStores opens them. A shared store that may forget would take the record of
// the last look along, and with it the events that have not been told: then the
// record is kept on this machine.
func openStores(ctx context.Context, cfg *config.Config, w Wrap) (stores, error) {
	shared, err := store.Open(ctx, cfg.Store, store.Options{
		SigningKey: []byte(cfg.StoreKey.Reveal()), Aside: filepath.Join(cfg.StateDir, "aside"),
	})
	if err != nil {
		return stores{}, err
	}
	own, err := store.Open(ctx, "file:"+filepath.Join(cfg.StateDir, "own"), store.Options{})
	if err != nil {
		return stores{}, err
	}
	if w.Shared != nil {
		shared = w.Shared(shared)
	}
	if w.Own != nil {
		own = w.Own(own)
	}
	s := stores{shared: shared, own: own, records: shared, forgets: strings.HasPrefix(cfg.Store, "memcached:")}
	if s.forgets {
		s.records = own
	}
	return s, nil
}

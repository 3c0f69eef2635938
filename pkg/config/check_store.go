package config

import (
	"strings"
	"unicode/utf8"
)

// shortestStoreKey is how many characters a store's key has at least: whoever
// guesses it can have commands run on all machines.
const shortestStoreKey = 16

// checkStore wants a key that signs what is kept where others can write.
func (d *decoder) checkStore(c *Config) {
	shared := strings.HasPrefix(c.Store, memcached+":")
	switch {
	case d.bad[&c.StoreKey]:
	case d.set(&c.StoreKey) && utf8.RuneCountInString(c.StoreKey.Reveal()) < shortestStoreKey:
		d.problem(d.where(&c.StoreKey), "the store_key has fewer than %d characters", shortestStoreKey)
	case shared && !d.set(&c.StoreKey):
		d.problem(d.where(&c.Store), "a store of memcached needs a store_key of %d characters at least: everybody who reaches it could write to it", shortestStoreKey)
	}
}

package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Billed is a provider whose calls are worth sparing.
type Billed interface {
	Driver
	Addresses
	// Scope changes with what the driver lists.
	Scope() string
	// Take returns how many calls were made since the last Take.
	Take() int
}

// Cache is a driver whose listings are good for a while. The document it keeps is
// shared: what one process listed another need not.
//
//	Instances ──► fresh? ──► document
//	                │ no
//	                ▼
//	            the driver ──► lay over the document ──► document
//	                ▲
//	Launch, Start, Stop, Terminate, Instance: always the driver, and what it
//	answers goes into the document
type Cache struct {
	driver    Billed
	documents Documents
	key       string
	ttl       time.Duration

	mu sync.Mutex // one listing at a time
}

var (
	_ Driver    = (*Cache)(nil)
	_ Addresses = (*Cache)(nil)
)

// Cached returns the driver with its listings kept under api/<cluster>; ttl 0
// keeps them only for when a listing fails.
func Cached(driver Billed, documents Documents, cluster string, ttl time.Duration) *Cache {
	return &Cache{driver: driver, documents: documents, key: "api/" + cluster, ttl: ttl}
}

// Name is the driver's.
func (c *Cache) Name() string { return c.driver.Name() }

// Instances lists from the document where that is fresh. What a listing that
// failed did not come to is as it was, stale.
func (c *Cache) Instances(ctx context.Context) (Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, err := c.read(ctx)
	if err != nil {
		return c.driver.Instances(ctx)
	}
	if now := time.Now(); known.fresh(now, c.ttl) {
		return known.listing(now, 0), nil
	}
	listed, failed := c.driver.Instances(ctx)
	calls := c.driver.Take()
	// A listing that took all the time there was is kept all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	kept, err := c.change(ctx, "listing", calls, func(d cacheDocument) cacheDocument { return d.lay(listed) })
	if err != nil {
		// The listing is good; whoever needs the store will say what is wrong with it.
		kept = known.lay(listed)
		kept.note(calls, time.Now())
	}
	out := kept.listing(time.Now(), calls)
	out.Complete = listed.Complete
	return out, failed
}

// keepTime bounds writing the document.
const keepTime = 5 * time.Second

// Find returns the configured name of the instance with that id; it lists where
// the document does not have it.
func (c *Cache) Find(ctx context.Context, id string) (string, bool) {
	if known, err := c.read(ctx); err == nil {
		if name, ok := named(known.listing(time.Now(), 0), id); ok {
			return name, true
		}
	}
	listing, _ := c.Instances(ctx) // what failed to be listed is not found
	return named(listing, id)
}

func named(l Listing, id string) (string, bool) {
	for _, i := range l.Instances {
		if i.ID == id {
			return i.Name, true
		}
	}
	return "", false
}

// Instance asks the driver.
func (c *Cache) Instance(ctx context.Context, name string) (Instance, error) {
	return c.act(ctx, name, "look", c.driver.Instance)
}

// Launch asks the driver.
func (c *Cache) Launch(ctx context.Context, name string) (Instance, error) {
	return c.act(ctx, name, "launch", c.driver.Launch)
}

// Start asks the driver.
func (c *Cache) Start(ctx context.Context, name string) (Instance, error) {
	return c.act(ctx, name, "start", c.driver.Start)
}

// Stop asks the driver.
func (c *Cache) Stop(ctx context.Context, name string) (Instance, error) {
	return c.act(ctx, name, "stop", c.driver.Stop)
}

// Terminate asks the driver.
func (c *Cache) Terminate(ctx context.Context, name string) (Instance, error) {
	return c.act(ctx, name, "terminate", c.driver.Terminate)
}

// act keeps what the driver answers; calls of a failed action count too.
func (c *Cache) act(ctx context.Context, name, verb string, do func(context.Context, string) (Instance, error)) (Instance, error) {
	i, err := do(ctx, name)
	var notNow *NotNow
	if errors.As(err, &notNow) {
		i = notNow.Instance
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	_, kept := c.change(ctx, verb, c.driver.Take(), func(d cacheDocument) cacheDocument {
		if i.ID == "" || d.Fetched.IsZero() {
			return d
		}
		return d.acted(i, verb == "launch")
	})
	if err == nil && kept != nil {
		err = fmt.Errorf("%s of instance %s is done, but: %w", verb, name, kept)
	}
	return i, err
}

// Associate asks the driver.
func (c *Cache) Associate(ctx context.Context, name string, ip netip.Addr) (Address, error) {
	a, err := c.driver.Associate(ctx, name, ip)
	return a, c.counted(ctx, err)
}

// Disassociate asks the driver.
func (c *Cache) Disassociate(ctx context.Context, name string, ip netip.Addr) (Address, error) {
	a, err := c.driver.Disassociate(ctx, name, ip)
	return a, c.counted(ctx, err)
}

// Address asks the driver.
func (c *Cache) Address(ctx context.Context, ip netip.Addr) (Address, error) {
	a, err := c.driver.Address(ctx, ip)
	return a, c.counted(ctx, err)
}

// counted adds the calls just made to the document.
func (c *Cache) counted(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	_, kept := c.change(ctx, "calls", c.driver.Take(), func(d cacheDocument) cacheDocument { return d })
	return errors.Join(err, kept)
}

// HostKeys asks the driver.
func (c *Cache) HostKeys(ctx context.Context, name string) ([]string, error) {
	consoles, ok := c.driver.(Consoles)
	if !ok {
		return nil, fmt.Errorf("cannot read the console of %s: the driver %s shows none", name, c.Name())
	}
	keys, err := consoles.HostKeys(ctx, name)
	return keys, c.counted(ctx, err)
}

func (c *Cache) read(ctx context.Context) (cacheDocument, error) {
	b, err := c.documents.Get(ctx, c.key)
	if err != nil {
		return cacheDocument{}, fmt.Errorf("cannot read the cache: %w", err)
	}
	return decodeCache(b, c.driver.Scope())
}

// change stores what f makes of the document, with the calls counted.
func (c *Cache) change(ctx context.Context, why string, calls int, f func(cacheDocument) cacheDocument) (cacheDocument, error) {
	var next cacheDocument
	err := c.documents.Update(ctx, c.key, why, func(old []byte) ([]byte, error) {
		d, err := decodeCache(old, c.driver.Scope())
		if err != nil {
			return nil, err
		}
		next = f(d)
		next.note(calls, time.Now())
		return json.Marshal(next)
	})
	if err != nil {
		return next, fmt.Errorf("cannot keep the cache: %w", err)
	}
	return next, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Store keeps small shared documents under keys. A Store may be used by several
// goroutines at once, and several Stores may be open on the same documents.
//
// A key is any non-empty string; by custom "kind/cluster/name". Keys that differ
// in any byte are different documents.
type Store interface {
	// Get returns the document, a copy that is the caller's own. The error is
	// ErrNotFound where there is none and ErrCorrupt where there is one that
	// cannot be whole. Get never waits for an Update.
	Get(ctx context.Context, key string) ([]byte, error)

	// Update reads the document (nil where there is none), applies f and
	// stores what f returned if nothing changed in between; if something did,
	// it starts again. f must be pure: it may be called several times, must
	// not use the Store, and may reuse or change the slice it is given.
	//
	// Nothing is written where f returns what it was given, or nothing where
	// there is no document. An error of f ends the Update and is wrapped in
	// what Update returns. A document cannot be made empty: that is an error.
	//
	// why names the transition ("heartbeat", "claim 7") and stands in errors.
	// On any error the document is as it was, except that with ErrUnknown the
	// new one may have been stored.
	Update(ctx context.Context, key, why string, f func(old []byte) ([]byte, error)) error
}

var (
	// ErrNotFound says that there is no document under the key.
	ErrNotFound = errors.New("no such document")
	// ErrCorrupt says that something is stored under the key which cannot be
	// a whole document. It is never overwritten: somebody has to look at it
	// and move it away.
	ErrCorrupt = errors.New("the stored document is corrupt")
	// ErrTooLarge says that a document is over the size limit.
	ErrTooLarge = errors.New("the document is too large")
	// ErrUnknown says that an Update was under way when its answer got lost:
	// the new document may or may not be stored. The caller reads again.
	ErrUnknown = errors.New("outcome unknown")
)

// DefaultMaxSize is the size limit of a document in bytes where Options give
// none: several times a status of 100,000 entries.
const DefaultMaxSize = 256 << 20

// DefaultTimeout is how long a driver waits for one answer over the network.
const DefaultTimeout = 2 * time.Second

// Options are what a Store can be told besides its URL. The zero value is good for files.
type Options struct {
	// MaxSize is the largest document in bytes that is written or read, 0 for
	// DefaultMaxSize.
	MaxSize int64
	// Timeout is how long a driver waits for one answer over the network, 0
	// for DefaultTimeout. The file driver waits for nothing but its lock.
	Timeout time.Duration
	// SigningKey signs the documents of a memcached, where others could write
	// too: a secret, of at least 16 bytes, the same in all who share them.
	SigningKey []byte
	// Aside is a folder for copies of what stands under our keys in a memcached
	// and is ErrCorrupt, each content once; none are made where it is empty.
	Aside string
}

// Open returns the Store at url:
//
//	file:PATH, file:///PATH, PATH      a folder on this machine, made when needed
//	memcached://HOST[:PORT][/PREFIX]   one memcached, for several machines
//
// The path is taken as it stands, without unescaping. Opening touches no file
// and no server.
func Open(_ context.Context, url string, opts Options) (Store, error) {
	if opts.MaxSize < 0 {
		return nil, fmt.Errorf("cannot open store: a size limit of %d bytes", opts.MaxSize)
	}
	if opts.MaxSize == 0 {
		opts.MaxSize = DefaultMaxSize
	}
	if opts.Timeout < 0 {
		return nil, fmt.Errorf("cannot open store: a timeout of %s", opts.Timeout)
	}
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	scheme, rest, found := strings.Cut(url, ":")
	if !found || strings.ContainsAny(scheme, "/.") {
		scheme, rest = "file", url
	}
	switch scheme {
	case "file":
		folder, err := fileFolder(rest)
		if err != nil {
			return nil, fmt.Errorf("cannot open store: %w", err)
		}
		return newFileStore(folder, opts.MaxSize), nil
	case "memcached":
		s, err := openMemcached(rest, opts)
		if err != nil {
			return nil, fmt.Errorf("cannot open store: %w", err)
		}
		return s, nil
	default:
		// Only the scheme is told: the rest of a URL may hold a password.
		return nil, fmt.Errorf("cannot open store: no driver for %q; there are file:PATH (or just PATH) and memcached://HOST:PORT", scheme+":")
	}
}

// fileFolder returns the folder named by what follows "file:".
func fileFolder(rest string) (string, error) {
	if after, found := strings.CutPrefix(rest, "//"); found {
		host, _, _ := strings.Cut(after, "/")
		if host != "" && host != "localhost" {
			return "", fmt.Errorf("file: URL names a host, %q; for an absolute path write file:///PATH", host)
		}
		rest = strings.TrimPrefix(after, host)
	}
	if rest == "" {
		return "", errors.New("no path; write file:PATH")
	}
	return rest, nil
}

// Package store keeps small documents that several processes, and later several
// machines, change together: the last status with its undelivered events, the
// queue of actions, a cache of API answers.
//
//	Get(key) ──────────────────────────────► the document, or ErrNotFound
//
//	Update(key, why, f)
//	   ├─ read ──► old (nil where there is none)
//	   ├─ f(old) ─► new            f is pure and may be called again
//	   └─ write new, only if the document still is old; else from the top
//
// There is no other way to write, so no writer can overwrite what it has not
// read. What is in a document is its owner's business: drivers keep the bytes as
// they are. Owners store JSON objects, which a reader can tell from a cut one.
//
// Drivers are chosen by URL in [Open]. The file driver is the embedded default:
//
//	<folder>/status+prod+db-mgr1.json   the document, readable with cat
//	<folder>/status+prod+db-mgr1.lock   held (flock) for the time of an Update
//	<folder>/status+prod+db-mgr1.tmp    the next document, until it is renamed
//
// Readers take no lock: rename gives them the old document or the new one. A
// killed writer leaves at most the .tmp file, which is never read and which the
// next Update removes; the kernel gives back its lock.
//
// The memcached driver is for managers that share one memcached:
//
//	clmgr:status/prod/db-mgr1:HASH         the pointer: a random epoch, written by add alone
//	clmgr:status/prod/db-mgr1:HASH:EPOCH   the document, written by add and then by cas
//
// A memcached forgets: all at a restart, one item when it is full. It then
// starts its CAS ids again, so that what was read before could be taken for what
// is there now. It cannot be here: whoever finds no pointer starts another epoch,
// and so another item. The pointer is read anew each time; whose document is gone
// starts again from nothing. What must not be forgotten is kept elsewhere too.
//
// Items are signed, since whoever reaches a memcached can write to it: what has
// no good signature for its place is ErrCorrupt, and copied to the folder
// Options.Aside. A signature keeps nobody from putting back what was there
// before, nor from reading.
//
// A write whose answer got lost is looked for: each document carries the nonces
// of its last writes. ErrUnknown is left for where nothing can be read, or
// where there were more writes since. There is no waiting for one's turn but
// among the goroutines of one Store; others start again after a drawn pause.
//
// Every driver passes the suite in package storetest.
package store

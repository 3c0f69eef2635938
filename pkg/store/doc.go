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
// Every driver passes the suite in package storetest.
package store

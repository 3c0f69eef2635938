// Package ledger keeps the queue of actions where it cannot get lost: a copy of
// the manager's own on disk, and the shared one in the store, which may forget.
//
//	          Look: merge both ways, write only what differs
//	 own copy ◄─────────────────────────────────────────────► shared copy
//	(state_dir)                                                (store)
//	     ▲   Add: here first, then there                          ▲
//	     ├── Keep: how an attempt ended, where the store is silent  │
//	     └── Change: one swap, there first, then here ─────────────┘
//
// A copy is only ever replaced by a merge. What Change returns from is in both
// copies, so that nobody acts on what he could not bring back.
//
// The own copy holds the name of its writer, which numbers what it writes: a
// state directory that is lost makes a new writer. Beside it lies what is known
// of other managers' leases, so that one who looks from cron can watch them.
//
// The shared document has a random name, drawn when it begins. One with another
// name tells that the last one was lost, and that nobody may claim for a while:
// see actions.Leases.
package ledger

// Package runner does what is due: it claims actions, runs their handlers side
// by side, says while they work that they do, and records how they ended.
//
//	Seen ──► Due ──► claim ──► Handler ──► finish, fail, give-up
//	          ▲        │          │             │
//	          │        └── beat ──┘             │        every arrow to the ledger
//	          └───────── one swap ◄─────────────┘        is the same one swap
//
// One goroutine conducts: each turn it puts all that is to be said into one swap
// of the ledger (how handlers ended, that the others are at work, what lapsed
// or is to be parked, what is claimed next), and starts what it got. So a
// thousand short actions cost some dozens of swaps.
//
// A handler whose lease is lost, or was not renewed in time because the store
// does not answer, is stopped before others may begin. If it had succeeded all
// the same, that is recorded: a verified success is a fact. Any other late
// result is refused.
//
// When the context of Run ends, handlers are stopped and what they did is handed
// back. One that does not stop is left under its lease, which lapses.
package runner

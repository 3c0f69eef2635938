// Package watch publishes what a manager is, reads what the others published, and
// tells what package peers makes of it.
//
//	        ┌───────────────────────── one pass ─────────────────────────┐
//	host ──►│ publish own report, once an interval ──► peers/report/NAME │
//	        │ join the members and read them, too  ◄─► peers/members     │ shared store
//	        │ read the reports that may be new     ◄── peers/report/*    │
//	        │ judge (peers.Watcher)                                      │
//	        │ keep what changed, untold events too ──► watch/peers       │ own store
//	        └──────────────────────────┬─────────────────────────────────┘
//	                                   ▼ aside, one delivery at a time
//	                              tell, then take them out of watch/peers
//
// A manager writes its own report only, so that no two ever contend for a document.
// A pass has an end: a store that does not answer costs the pass, never the loop.
//
// Whoever takes the events may be slow, or stand still: passes go on, and what is
// untold waits in the own store, for as long as that takes. Only beats stop when a
// delivery has not come to an end for long, since then something hangs.
package watch

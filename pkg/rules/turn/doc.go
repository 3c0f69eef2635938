// Package turn has rules take their turn: it reads what came into the event log,
// lets pkg/rules decide, and passes on what was decided.
//
//	          ┌───────────── lock: one turn of this manager at a time ─────────────┐
//	          │                                                                    │
//	event log ┼─► Decide ──► state, outbox and place: one swap ──► ledger ─► tell ─┼─► event log
//	          │                        ▲                                   │       │
//	          │                        └────────── the outbox is empty ◄───┘       │
//	          └────────────────────────────────────────────────────────────────────┘
//
// A crash leaves the outbox, which the next turn passes on first. What was queued
// before the crash is known by who asked for it, the rule and the event, and is not
// queued again. What cannot be queued for as long as such actions are remembered is
// given up, and told.
//
// A place that the event log has lost is told as a warning; reading goes on with the
// oldest event that is left.
package turn

// Package rules decides what events are to bring about. It is pure: events, rules,
// a state and the time in; the next state and decisions out.
//
//	 event log ──► Decide ──┬─► decisions: queue a command or a script, tell of it, or alert
//	(after State.Place)     │
//	         ▲              └─► next State ──► stored in one swap, decisions and place together
//	         └──────────────────────┘
//
// A rule fires for an event that matches every pattern of its When. One with For
// waits first: the thing an event is about has to stay so for that long, and an
// event about it that does not match any more ends the waiting.
//
//	        event matches                   For is over          event does not match
//	idle ────────────────────► waiting ───────────────────► fired ────────────────────► idle
//	 ▲                            │
//	 └── event does not match ────┘
//
// Flood control keeps back what would come too often: MinDelay lies between two
// firings of a rule for one thing, MaxPerHour bounds those of a rule for all things
// together. What a firing came to makes no difference: one whose action fails, or
// that only tells what it would have done, counts like any other. What is kept back
// is told once, and counted until the next firing. Without For it is dropped: what
// was wrong then may be well by the time it would be allowed. With For it goes on
// waiting, and fires when it may, if it is still so.
//
// Events of rules, alerts and scripts start nothing, so that nothing goes round in
// circles. What happened longer ago than Input.Oldest starts nothing either.
package rules

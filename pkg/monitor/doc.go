// Package monitor watches what no heartbeat looks at, and tells of every change by
// an event.
//
//	metrics  PromQL ──HTTP──► Prometheus ──► values ──┐
//	units    systemctl show ──► machines ──► states ──┼─► judge ─► book ─► events ─► tell
//	hosts    /proc, df ──────► machines ──► levels ──┘     ▲        │
//	                                                       └────────┘ what is remembered, in the store
//
// # Conditions
//
// A condition is what has a state of its own: a series of a query, a unit, a file
// system. Its event says was and is, and there is one event a change, none a look;
// where a trouble was told its end is told too. How a state is judged of what was
// seen is a pure function, with the time as a parameter.
//
// What could not be seen changes no state. That a query or a look fails is a
// condition of its own, with the label internal=true; that a machine cannot be
// reached is none, since the heartbeat tells that.
//
// # Persist, then tell
//
// States and events that are not told yet are one document, changed in one swap. An
// event is told after that, and taken out when it is told: a crash in between tells it
// again under the same id, which the event log drops. So a restart neither loses nor
// repeats. The document changes only when a state does, so that a look which finds
// nothing new writes nothing.
package monitor

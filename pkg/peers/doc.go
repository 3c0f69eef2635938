// Package peers tells whether the other managers live, from what they publish. It is
// pure: values in, values out, no clock and no I/O; package watch reads and writes.
//
//	every manager ── Report (metrics, each with a time to live) ──► the shared store
//	                                                                      │ Look
//	     Members, in which every manager joins ───────────────────────────┤
//	                                                                      ▼
//	                          Watcher: a window a peer and metric ──► []heartbeat.Event
//	                                                                      │
//	        State: who failed, what is not told yet, the windows ◄────────┘
//
//	          late                      a new report
//	running ───────► failed          failed ───────► running
//	                    └── forgotten, or gone from the members ──► forgotten
//
// An arrival is the first sight of a new report, on the watcher's own clock; clocks of
// two machines are never compared. A peer is late when phi, the suspicion of its
// silence, reaches the threshold, which takes a window of enough arrivals; and in any
// case when the time to live of its last report is over. Silence counts only while the
// watcher could have heard: neither while the store does not answer, nor while the
// watcher itself stood still.
//
// A watcher that cannot read or write the store says so of itself, once, and names
// whom it lost; it says nothing about them. The same where more than half of two or
// more peers go silent at once, as heartbeats do with machines.
//
// A metric is judged only when a report arrives that proves its peer alive, so a peer
// that dies is one event and not one a metric.
package peers

// Package doctor hands events to scripts: every executable that is configured gets
// {"events":[…]} on its standard input, at least once and in order.
//
//	heartbeat ──► event log ──(what came after the mark)──► script's standard input
//	                  ▲                                           │
//	                  └──── how it ended: an event of its own ◄───┤
//	                                                              ▼
//	                                               mark, in the state folder
//
// The mark is the script's place in the event log. It moves after the script has
// ended, so that a crash repeats events and never loses them. It is moved by a
// script that failed or took too long as well: how it ended is told, not repeated
// for ever. A script that could not be started, or was cut short together with its
// heartbeat, keeps its events for the next time. A lock on the mark keeps two
// heartbeats from handing over the same.
//
// A script's first events are those of the heartbeat that first knows of it. After
// that it misses none, also where it is away from its folder for a while; who
// wants a script to begin anew removes its mark.
package doctor

// Package daemon keeps loops going for as long as a process lives, and tells systemd
// how they do.
//
//	configuration ──Load──► Set ──► loops, side by side ──beat──► pulses
//	     ▲                                  │ error, panic           │
//	  SIGHUP                                └─ again after a pause   ├─► WATCHDOG=1, while all turn
//	                                                                 ├─► /healthz, /metrics
//	                                                                 └─► STATUS=
//
// # Loops
//
// A loop calls its beat whenever it turns, idle or not, at least once a second. It does so
// from where its work is done or waited for within a bound, so that one that hangs falls
// silent. One that returns an error, or panics, is started again after a pause that grows;
// what it must not lose it keeps elsewhere.
//
// # Reloading
//
// A reload makes a whole new Set before anything of the old one is touched: where that
// cannot be made, the old one goes on and the fault is told. Then the old loops are told
// to stop, waited for, and the new ones begun. Loops that drain may go on beside them
// until what they have begun is over.
//
// # The watchdog
//
// The protocol is that of sd_notify(3): READY=1 once the Set says so, RELOADING=1 and
// READY=1 around a reload, STOPPING=1 at the end, and WATCHDOG=1 at half of the time that
// systemd asks for, if every loop has turned lately. One that has not for half of that
// time is told by WATCHDOG=trigger, so that the process is ended within the whole of it.
package daemon

// Package job runs commands on a machine that outlive the connection they were asked
// for by: each is a transient systemd unit, named after what asked for it. Who asks a
// second time, perhaps from another manager, follows the unit that runs instead of
// starting another. Of two who both believe that it is their turn, the machine decides.
//
//	Job ──Run──► one script by standard input ──► flock ─► compare terms ─► lower: *Superseded
//	                                                            │
//	                          unit runs ──► follow it ◄─────────┤
//	  ended well in this epoch, or is ours, ──► report it ◄─────┤
//	  or failed in it and nobody was told                       │
//	                      anything else ──► start it anew ◄─────┘
//	                                             │
//	        connection lost, or a wait is over ──┴─► follow that invocation ──► Result
//
// # On the machine
//
// Under /run/clmgr, which root alone may read: UNIT.lock, held while something is
// decided; UNIT.term, the highest term seen and who brought it; UNIT.sh, the command,
// which so stands in no argument list; UNIT.after, what is run where it failed; UNIT.told,
// the last run whose end was told. They and the units are gone after a reboot, and with
// them the memory of what ran: what a job does must bear being done again.
//
// The unit is Type=oneshot. It stays loaded when it has ended, as active (exited) or
// failed, until Forget, Discard or the next start clears it. Job.Limit is its
// TimeoutStartSec, since RuntimeMaxSec does not count for this type.
//
// # What it needs
//
// systemd as process 1, flock (util-linux), and root: by login, or by sudo that asks for
// no password.
package job

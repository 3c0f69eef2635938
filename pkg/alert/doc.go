// Package alert decides who is told what of the events, and when. It is pure:
// values and now in, values out; package send reads the log and delivers.
//
//	event ─► Judge ─► Incident ─(group_wait, silences, routes)─► Message ─► a place
//
//	         opens          group_wait over: told            ends
//	(none) ────────► open ─────────────────────► told ─────────────► over
//	                  │ ends before that                              │ group_wait over:
//	                  ▼                                               ▼ its places are told
//	                (none): nobody is told                          (none)
//
// # Events
//
// What an event means:
//
//	instances   unreachable                             critical
//	            stopped, terminated                     warning
//	            pending, where it was running           warning
//	            running, absent                         ends
//	services    a code other than 000000                critical; those of work under way
//	                                                    (starting, stopping, installing,
//	                                                    removing, delayed) change nothing
//	            running, absent                         ends
//	            another role                            a notice: warning
//	clusters    two-primaries                           critical
//	vips        vip-unheld, vip-conflict                critical
//	managers    isolated                                critical
//	            consistent, seeing, absent              ends
//	peers       failed                                  critical, but for the label severity
//	            anything else                           ends
//	scripts     anything but exit 0                     warning; exit 0 ends
//	logs, rules the label severity                      a notice of that severity
//	            rules with the label lasts=true         until their state is over
//	units, hosts, metrics   the label severity          that; with resolved=true it ends
//	alerts      nothing: how deliveries end is not alerted itself
//
// The label severity (critical, warning or info) of an event counts before the
// table where the table says that something opens.
//
// # Incidents
//
// An incident is what is wrong with one thing, from the event that opens it to the
// one that ends it. Each place is told once when it opens, once more where it grows
// worse, and once when it is over; all three carry the incident's id. A change
// counts when group_wait is over since the first one, so that what comes and goes in
// between is told to nobody. A notice has no end; those of one thing are told together,
// notice_every apart at least.
//
// A machine that is unreachable speaks for what runs on it: incidents with its address
// that nobody was told of yet are named in its message, which goes to their places too.
// What is still wrong when the machine is back is told then.
//
// # Silences
//
// While a silence lasts nothing is sent of what it matches. An incident that ends
// within it is never told; one that outlives it is told at its end, and so is the end
// of one that was told before.
//
// # Outbox
//
// A message is stored before it is sent, in one swap with the place in the event log,
// and taken out when it has arrived. It has one id in all its tries, so that a
// receiver can drop repeats. Messages of one place are sent in order, the next when
// the one before has arrived or was given up.
package alert

// Package actions is the queue of delayed actions: what is to be done once an
// ip is in a state. It is pure: values in, values out, no clock and no I/O.
//
//	asked for ──► Queue.Add ──► the manager's own copy ──► Merge ──► the shared copy
//	                                  ▲                                  │
//	                                  └───────────── Merge ◄─────────────┘
//
//	Status, now ──► Queue.Due ──► Report ──► Queue.Settle   parks, cancels, ends lapsed leases
//	                                 │
//	                                 └─► what may start, and why everything else waits
//
// Any two copies of a queue merge, in any order and any number of times. What
// merges is an action's Progress, part by part; its State is derived from that,
// and changes in these ways and no others:
//
//	asked ──► waiting ──claim──► running ──finish──► done
//	           ▲ │  ▲             │   │
//	           │ │  └─fail, lapse─┘   │
//	         retry park        give-up, lapse
//	           │ ▼                    │
//	          failed ◄────────────────┘
//
//	waiting   ──claim───► running    a manager takes the lease
//	waiting   ──park────► failed     expired, or its machine is gone
//	waiting   ──cancel──► cancelled  its successors too
//	waiting   ──finish──► done       a success that came after the lease was lost
//	running   ──beat────► running    the owner says that it is still at work
//	running   ──fail────► waiting    to be tried again
//	running   ──give-up─► failed     attempts or time are spent
//	running   ──lapse───► waiting    the owner stopped beating
//	running   ──lapse───► failed     and that was the last attempt
//	running   ──cancel──► cancelled  the owner learns it at its next beat
//	running   ──finish──► done       the handler verified it
//	failed    ──retry───► waiting    the next epoch, with attempts and time anew
//	failed    ──cancel──► cancelled
//	failed    ──finish──► done       a success that came late
//	cancelled ──finish──► done       the work was over before it could be cancelled
//	done      ──finish──► done       said twice
//
// Where copies of a lost document come together, an action may have an owner
// whose lease does not count, or that is at work on what is over. That one stops
// at its next beat, and until it has (stop, or lapse if it is silent) nobody
// else begins:
//
//	waiting   ──stop────► waiting
//	running   ──stop────► running
//	failed    ──stop────► failed
//	cancelled ──stop────► cancelled
//	done      ──stop────► done
//	waiting   ──lapse───► waiting
//	running   ──lapse───► running
//	failed    ──lapse───► failed
//	cancelled ──lapse───► cancelled
//	done      ──lapse───► done
//
// An action is added to the manager's own copy first, and that copy merged into
// the shared one: a copy that holds an id of a writer must hold, or have pruned,
// all earlier ones, since an absent id at or below the highest one seen counts
// as pruned.
//
// Without the shared copy a manager may add, and record how its own attempts
// ended; a claim or a beat is one when it is shared.
//
// Nobody's wall clock decides who may act. See Leases.
package actions

// Package heartbeat is what was seen and how it differs from what was seen
// before. It is pure: values in, values out, no clock and no I/O.
//
//	            previous Record (store)
//	                    │
//	collect ──► Look ──► Merge ──► Status ──► Diff ──► []Event
//	                                 │                   │
//	                                 └── next Record ◄───┘   (one document, written in one swap)
//
// A Look is what one heartbeat saw of one cluster, blind spots included. Merge
// lays it over the last known status, so that what could not be seen keeps its
// old state, marked stale, and blindness is never reported as state. Diff then
// compares two whole statuses by name. json.go alone knows the shape of the
// documents, which is the seed's.
package heartbeat

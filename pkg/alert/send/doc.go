// Package send reads the event log for alerts and delivers what package alert says.
//
//	event log ──(after the place)──► alert.State ──► outbox ──► webhook · program · service
//	                                     ▲   │                        │
//	      the manager's own store ◄──────┴───┘ one document ◄─────────┘ arrived, or failed
//
// The place in the log, the incidents, the silences and the outbox are one document,
// changed in one swap: what was read from the log is queued, or it is read again.
// Deliveries are made by whoever holds the place's lock, so that a daemon and a
// heartbeat from cron share the work. A message that was sent by a process that died
// before it could say so is sent again under the same id.
package send

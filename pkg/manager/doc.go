// Package manager wires the parts together and gives the one door through which
// every command goes, wherever it came from.
//
//	Command ──► Do ──┬─ instances heartbeat   look, record, tell
//	                 ├─ instances|services status   look only
//	                 ├─ instances launch|start|stop|terminate   the cloud driver
//	                 └─ events list
//	                         │
//	                         ▼
//	                      Result
//
// It decides nothing itself: what was seen is collect's, what differs is
// heartbeat's, what may be changed is the driver's.
package manager

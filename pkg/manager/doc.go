// Package manager wires the parts together and gives the one door through which
// every command goes, wherever it came from.
//
//	Command ──► Do ──┬─ instances heartbeat   look, record, tell, go by the rules; then act and treat
//	                 ├─ instances|services status   look only
//	                 ├─ instances launch|start|stop|terminate   the cloud driver
//	                 ├─ services start|stop|restart   plan, queue, and act on that
//	                 ├─ actions …, holds …   the ledger
//	                 ├─ watch list   what the loops of the watchers remember
//	                 ├─ rules list, test   the rules
//	                 ├─ peers list, forget   the watch over other managers
//	                 └─ events list, treat   the log, the rules, the doctor
//	                         │
//	                         ▼
//	                      Result
//
// It decides nothing itself: what was seen is collect's, what differs is
// heartbeat's, what follows from that is rules', what is missing is plan's, what is due is actions', what may be
// changed is the driver's.
package manager

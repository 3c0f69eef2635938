// Package e2e holds tests only: they build clmgr and run it, as cron, a script or
// a person would, against real machines.
//
//	go build -race ./cmd/clmgr ──► a process ──► ssh, MariaDB, memcached
//	                                  │            on five lab machines
//	              answer, exit code ◄─┤
//	   state_dir: record, event log ◄─┘
//
// TestOnMachines boots one lab and goes through all that needs machines, one
// scenario after the other; each ends with everything in order again. What needs
// no machine is tested beside it. Nothing here imports a package of the product,
// only the lab and other helpers of tests: what counts is what a user would see.
package e2e

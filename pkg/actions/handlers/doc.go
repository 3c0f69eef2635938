// Package handlers does what actions say, one file a verb. Each handler checks
// whether what is wanted is so already, does what is missing, and verifies; so
// that one that was cut short is simply run again.
//
//	instances  launch, start, stop, terminate   by the cloud driver   power.go
//	services   start, stop, restart             by systemd over SSH   lifecycle.go
//	services   bootstrap_…, install, replicate  by pkg/provision      provision.go
//	services   sync                             by pkg/provision      sync.go
//	services   adopt, remove                    by pkg/provision      adopt.go, remove.go
//	services   restart_replica, hand_over       by pkg/provision      handover.go
//	scripts    run                              on this machine       script.go
//
// What is in the way for now is a Retry or a Wait and no failure: a machine on
// its way to another state, a step that still runs on the machine, a machine
// that does not answer over SSH any more. What will not go away by itself is
// Permanent: a gate that refuses, a unit that does not exist, another machine
// than the one the action was queued for.
package handlers

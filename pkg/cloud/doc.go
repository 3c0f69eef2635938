// Package cloud is where machines come from. A Driver lists them and changes
// their power; what it cannot do it refuses, naming the reason.
//
//	configuration ──► Local ───────────────────────┐
//	EC2 API ──► EC2 ──► Cache (document api/CLUSTER)┴─► Driver ──► Listing ──► collect
//	             │
//	             └─ Launch ──► journal (document launch/CLUSTER/NAME) ──► RunInstances
//
// A launch never makes a machine twice: see launchJournal for the states its
// record goes through. What is listed and how long a listing is believed is in
// cache_merge.go. Suite cloudtest is what every driver must do.
package cloud

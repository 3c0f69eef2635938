// Package cloud is where machines come from. A Driver lists them and changes
// their power; what it cannot do it refuses, naming the reason.
//
//	configuration ──► Local ─┐
//	EC2 API (to come) ───────┴─► Driver ──► Listing ──► collect
package cloud

// Package plan is pure: from what is configured and what was seen to the actions
// that are missing, in their order.
//
//	service, machine, verb ──► Lifecycle ──► Steps{drafts of actions, code}
package plan

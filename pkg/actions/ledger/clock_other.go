//go:build !linux

package ledger

import "github.com/clmgr/clmgr/pkg/actions"

// Boottime is the time of this process, where the system tells no other that
// nobody sets. Leases of others are then watched within one process only.
func Boottime() actions.Instant { return processTime() }

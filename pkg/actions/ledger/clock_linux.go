package ledger

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clmgr/clmgr/pkg/actions"
)

// Boottime reads CLOCK_BOOTTIME, which nobody sets and which goes on while the
// machine sleeps, and the id of this boot.
func Boottime() actions.Instant {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return processTime()
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return processTime()
	}
	return actions.Instant{Boot: strings.TrimSpace(string(boot)), Since: time.Duration(now.Nano())}
}

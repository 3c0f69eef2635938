package ledger

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
)

// process is when this process began to look at the clock, and what it calls
// that in place of the boot of a machine.
var process = sync.OnceValue(func() (p struct {
	id    string
	began time.Time
},
) {
	p.id, p.began = "process-"+rand.Text(), time.Now()
	return p
})

// processTime is the monotonic time of this process: an instant of another
// process is one of another boot.
func processTime() actions.Instant {
	p := process()
	return actions.Instant{Boot: p.id, Since: time.Since(p.began)}
}

package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
)

// progress shows how far a look has come, on a terminal's standard error only.
type progress struct {
	a     *app
	begun time.Time
	mu    sync.Mutex
	shown bool
}

func newProgress(a *app) *progress { return &progress{a: a, begun: time.Now()} }

// quiet is how long a look may take before it is worth a word.
const quiet = 300 * time.Millisecond

// tell returns the function to report to, in these words, nil where nobody watches.
func (p *progress) tell(words string) func(done, total int) {
	if !p.a.errTerminal {
		return nil
	}
	return func(done, total int) {
		if time.Since(p.begun) < quiet {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shown = true
		fmt.Fprintf(p.a.err, "\r\x1b[K"+words, done, total)
	}
}

// clear removes the line.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progress) erase() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.a.err, "\r\x1b[K")
	}
}

// acted returns the function to report what happens to actions to, nil where nobody
// waits and watches.
func (p *progress) acted(waits bool) func(do, move, reason string) {
	if !waits || !p.a.errTerminal {
		return nil
	}
	return func(do, move, reason string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.erase()
		text := do + ": " + moveText(actions.Move(move), reason)
		if reason != "" {
			text += ": " + reason
		}
		fmt.Fprintln(p.a.err, text)
	}
}

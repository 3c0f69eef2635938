package main

import (
	"fmt"
	"time"
)

// progress shows how far a look has come, on a terminal's standard error only.
type progress struct {
	a     *app
	begun time.Time
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
		p.shown = true
		fmt.Fprintf(p.a.err, "\r\x1b[K"+words, done, total)
	}
}

// clear removes the line.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.a.err, "\r\x1b[K")
	}
}

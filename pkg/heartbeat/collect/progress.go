package collect

import "sync"

// Progress counts, over all looks it is given to, how many entries there are to
// see and how many have been. A nil Progress counts nothing.
type Progress struct {
	// Tell is called after every change, one call at a time.
	Tell func(done, total int)

	mu         sync.Mutex
	seen, want int
}

func (p *Progress) add(n int) { p.change(0, n) }

func (p *Progress) done() { p.change(1, 0) }

func (p *Progress) change(seen, want int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen += seen
	p.want += want
	p.Tell(p.seen, p.want)
}

package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// pulses are when loops turned last.
type pulses struct {
	mu    sync.Mutex
	loops map[string]*pulse
}

type pulse struct {
	last  time.Time
	beats uint64
	fails uint64
}

func newPulses() *pulses { return &pulses{loops: map[string]*pulse{}} }

// begin has a loop watched under a name, from now on.
func (p *pulses) begin(name string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.loops[name]; one != nil {
		one.last = now
		return
	}
	p.loops[name] = &pulse{last: now}
}

// end has a loop watched no more.
func (p *pulses) end(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.loops, name)
}

func (p *pulses) beat(name string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.loops[name]; one != nil {
		one.last = now
		one.beats++
	}
}

func (p *pulses) fail(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.loops[name]; one != nil {
		one.fails++
	}
}

// Turn is how a loop does.
type Turn struct {
	Name  string
	Age   time.Duration // since its last beat
	Beats uint64
	Fails uint64 // how many times it had to be started again
}

// turns are how all loops do, by their names.
func (p *pulses) turns(now time.Time) []Turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Turn, 0, len(p.loops))
	for _, name := range slices.Sorted(maps.Keys(p.loops)) {
		one := p.loops[name]
		out = append(out, Turn{Name: name, Age: now.Sub(one.last), Beats: one.beats, Fails: one.fails})
	}
	return out
}

// late are the loops that have not turned for longer than patience.
func late(turns []Turn, patience time.Duration) []Turn {
	var out []Turn
	for _, t := range turns {
		if t.Age > patience {
			out = append(out, t)
		}
	}
	return out
}

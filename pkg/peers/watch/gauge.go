package watch

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/clmgr/clmgr/pkg/peers"
)

// Gauge is a command whose first line of output is the value of a metric.
type Gauge struct {
	Name     string
	Command  string        // a line for sh
	Interval time.Duration // from the beginning of one run to that of the next
	Timeout  time.Duration // of a run, after which it is killed
	TTL      time.Duration // how long a value is good
}

// longestValue is how much of a command's output is published, in bytes.
const longestValue = 256

// gauges run, each in its own goroutine: a command that hangs holds up nobody.
type gauges struct {
	mask func(string) string
	all  sync.WaitGroup

	mu     sync.Mutex
	values map[string]peers.Metric
	at     map[string]time.Time // of the last valid value, or of the beginning
	order  []string
}

// startGauges starts the commands, which end with ctx.
func (l *Loop) startGauges(ctx context.Context) *gauges {
	g := &gauges{mask: l.o.Mask, values: map[string]peers.Metric{}, at: map[string]time.Time{}}
	for _, gauge := range l.o.Gauges {
		g.order = append(g.order, gauge.Name)
		g.values[gauge.Name] = peers.Metric{Name: gauge.Name, TTL: gauge.TTL, Why: "not measured yet"}
		g.at[gauge.Name] = time.Now()
		g.all.Go(func() { g.run(ctx, gauge) })
	}
	return g
}

func (g *gauges) wait() { g.all.Wait() }

func (g *gauges) run(ctx context.Context, gauge Gauge) {
	ticker := time.NewTicker(gauge.Interval)
	defer ticker.Stop()
	for {
		value, err := measure(ctx, gauge)
		if ctx.Err() != nil {
			return
		}
		g.note(gauge.Name, value, err)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// note takes in how a run ended. One that failed leaves the last value to its age.
func (g *gauges) note(name, value string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.values[name]
	if m.Valid = err == nil; m.Valid {
		m.Value, m.Why = g.mask(value), ""
		m.Seq++
		g.at[name] = time.Now()
	} else {
		m.Why = g.mask(err.Error())
	}
	g.values[name] = m
}

// list returns the values with their ages.
func (g *gauges) list(now time.Time) []peers.Metric {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []peers.Metric
	for _, name := range g.order {
		m := g.values[name]
		m.Age = now.Sub(g.at[name])
		out = append(out, m)
	}
	return out
}

// measure runs the command once. What it started ends with it.
func measure(ctx context.Context, gauge Gauge) (string, error) {
	limited, cancel := context.WithTimeout(ctx, gauge.Timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, "/bin/sh", "-c", gauge.Command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, said firstLine
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	switch {
	case limited.Err() != nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("cannot measure %s: no end within %s", gauge.Name, gauge.Timeout)
	case err != nil && said.String() != "":
		return "", fmt.Errorf("cannot measure %s: %w: %s", gauge.Name, err, said.String())
	case err != nil:
		return "", fmt.Errorf("cannot measure %s: %w", gauge.Name, err)
	case out.String() == "":
		return "", fmt.Errorf("cannot measure %s: it printed nothing", gauge.Name)
	}
	return out.String(), nil
}

// firstLine keeps the first line of what is written, as far as it is published.
type firstLine struct {
	text []byte
	over bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	if !f.over {
		line, _, over := strings.Cut(string(b), "\n")
		f.text, f.over = append(f.text, line...), over
		if len(f.text) > longestValue {
			f.text, f.over = f.text[:longestValue], true
		}
	}
	return len(b), nil
}

func (f *firstLine) String() string {
	return strings.TrimSpace(strings.ToValidUTF8(string(f.text), "\uFFFD"))
}

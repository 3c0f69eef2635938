package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say which lab to bring up.
type Options struct {
	Name      string // small letters, digits and dashes, at most 32
	Machines  []Spec
	Empty     bool      // no machines are right: they come with Add
	CPU       int       // percent of one processor that each machine has; 0 for all of this host's
	Ephemeral bool      // the lab may be swept once this process is gone
	Progress  io.Writer // one line a step; nil for silence
}

// Spec is one machine to make.
type Spec struct {
	Name  string // as Options.Name; "host" is taken
	Image Image
}

// Lab is a set of machines on one bridge.
type Lab struct {
	state    state
	machines []*Machine
}

// Exists is the error of Up for a name in use.
type Exists struct{ Name string }

// Error names the lab.
func (e *Exists) Error() string { return "lab " + e.Name + " exists already" }

// NotThere is the error of Open for a name without a lab.
type NotThere struct{ Name string }

// Error names the lab.
func (e *NotThere) Error() string { return "there is no lab " + e.Name }

// Up builds what images are missing, makes the machines and returns when sshd answers
// on each. What a failed Up made is taken down again.
func Up(ctx context.Context, o Options) (*Lab, error) {
	fail := func(err error) (*Lab, error) {
		return nil, fmt.Errorf("cannot bring lab %s up: %w", o.Name, err)
	}
	if err := errors.Join(Possible(), o.check()); err != nil {
		return fail(err)
	}
	s := state{Name: o.Name, CPU: o.CPU, Ephemeral: o.Ephemeral, Owner: thisProcess()}
	for n, m := range o.Machines {
		dir, err := m.Image.Build(ctx, o.Progress)
		if err != nil {
			return fail(err)
		}
		host := uint8(n + firstHost) //nolint:gosec // there are at most 200
		s.Machines = append(s.Machines, machineState{Name: m.Name, Image: dir, Host: host})
	}
	if err := claimLab(ctx, &s); err != nil {
		return fail(err)
	}
	l := newLab(s)
	if err := l.furnish(ctx, o.Progress); err != nil {
		return fail(errors.Join(err, l.Down(context.WithoutCancel(ctx))))
	}
	return l, nil
}

func (o Options) check() error {
	if !goodName.MatchString(o.Name) {
		return fmt.Errorf("bad lab name %q: small letters, digits and dashes, at most 32", o.Name)
	}
	if n := len(o.Machines); n == 0 && !o.Empty || n > 200 {
		return fmt.Errorf("a lab has 1 to 200 machines, not %d", n)
	}
	if o.CPU < 0 {
		return fmt.Errorf("no machine does with %d percent of a processor", o.CPU)
	}
	seen := map[string]bool{Host: true}
	for _, m := range o.Machines {
		if !goodName.MatchString(m.Name) || seen[m.Name] {
			return fmt.Errorf("bad or repeated machine name %q", m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}

// claimLab takes name and subnet and builds the bridge, so that a claimed subnet is
// visible to the next claim in two ways.
func claimLab(ctx context.Context, s *state) error {
	return locked(ctx, func() error {
		if exists(filepath.Join(labsDir, s.Name)) {
			return &Exists{s.Name}
		}
		if err := claim(s); err != nil {
			return err
		}
		return newNetwork(s.Subnet).up(ctx)
	})
}

// furnish makes and starts the machines of a claimed lab.
func (l *Lab) furnish(ctx context.Context, progress io.Writer) error {
	begin := time.Now()
	if err := l.makeKeys(); err != nil {
		return err
	}
	step(progress, "starting %d machines of lab %s", len(l.machines), l.Name())
	g, gctx := errgroup.WithContext(ctx)
	for _, m := range l.machines {
		g.Go(func() error { return l.makeMachine(gctx, m) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := l.writeKnownHosts(); err != nil {
		return err
	}
	g, gctx = errgroup.WithContext(ctx)
	for _, m := range l.machines {
		g.Go(func() error { return errors.Join(m.PowerOn(gctx), m.WaitSSH(gctx)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	step(progress, "%d machines answer, after %.1f s", len(l.machines), time.Since(begin).Seconds())
	return nil
}

// newLab gives the handles for what the state describes.
func newLab(s state) *Lab {
	l := &Lab{state: s}
	net := newNetwork(s.Subnet)
	for _, ms := range s.Machines {
		l.machines = append(l.machines, newMachine(s, net, ms))
	}
	return l
}

// Open attaches to a lab that another process brought up. The error is *NotThere where
// there is none.
func Open(name string) (*Lab, error) {
	s, err := readState(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &NotThere{name}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open lab %s: %w", name, err)
	}
	return newLab(s), nil
}

// List names the labs of this host.
func List() ([]string, error) {
	found, err := names()
	if err != nil {
		return nil, fmt.Errorf("cannot list labs: %w", err)
	}
	return found, nil
}

// Name is the lab's name.
func (l *Lab) Name() string { return l.state.Name }

// Dir is where the lab keeps its files; it is removed with the lab.
func (l *Lab) Dir() string { return filepath.Join(labsDir, l.state.Name) }

// HostIP is this host's address in the lab.
func (l *Lab) HostIP() netip.Addr { return newNetwork(l.state.Subnet).hostIP() }

// Machines are all machines, in the order of Options.
func (l *Lab) Machines() []*Machine { return l.machines }

// Machine is the machine of that name, or nil.
func (l *Lab) Machine(name string) *Machine {
	for _, m := range l.machines {
		if m.name == name {
			return m
		}
	}
	return nil
}

// KeyFile is a private key that root and clmgr of every machine accept.
func (l *Lab) KeyFile() string { return filepath.Join(l.Dir(), "id_ed25519") }

// KnownHosts is a known_hosts file with the host keys of the machines.
func (l *Lab) KnownHosts() string { return filepath.Join(l.Dir(), "known_hosts") }

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// Add makes a machine in a lab that is up, off and with that address. Where the lab has
// one of that name and address already, that is it.
func (l *Lab) Add(ctx context.Context, spec Spec, ip netip.Addr) (*Machine, error) {
	fail := func(err error) (*Machine, error) {
		return nil, fmt.Errorf("cannot add machine %s to lab %s: %w", spec.Name, l.Name(), err)
	}
	if !goodName.MatchString(spec.Name) || spec.Name == Host {
		return fail(errors.New("bad name: small letters, digits and dashes, at most 32"))
	}
	if !subnet(l.state.Subnet).Contains(ip) || ip.As4()[3] < 2 || ip.As4()[3] == 255 {
		return fail(fmt.Errorf("%s is no address for a machine in %s", ip, subnet(l.state.Subnet)))
	}
	dir, err := spec.Image.Build(ctx, nil)
	if err != nil {
		return fail(err)
	}
	fresh := machineState{Name: spec.Name, Image: dir, Host: ip.As4()[3]}
	err = l.change(ctx, func() error { return l.add(ctx, fresh) })
	if err != nil {
		return fail(err)
	}
	return l.Machine(spec.Name), nil
}

// add makes the disk first: a machine that lab.json has is whole.
func (l *Lab) add(ctx context.Context, fresh machineState) error {
	m := newMachine(l.state, newNetwork(l.state.Subnet), fresh)
	for _, other := range l.state.Machines {
		switch {
		case other.Name == fresh.Name && other.Host == fresh.Host:
			return nil
		case other.Name == fresh.Name:
			return errors.New("the name is taken")
		case other.Host == fresh.Host:
			return fmt.Errorf("%s has the address %s", other.Name, m.IP())
		}
	}
	if err := os.RemoveAll(m.dir); err != nil {
		return err
	}
	if err := l.makeMachine(ctx, m); err != nil {
		return err
	}
	l.state.Machines = append(l.state.Machines, fresh)
	l.machines = append(l.machines, m)
	return nil
}

// Remove takes a machine out of the lab: its power, its disk, its name, and the cuts it
// is named in. Where there is none it does nothing.
func (l *Lab) Remove(ctx context.Context, name string) error {
	fail := func(err error) error {
		return fmt.Errorf("cannot remove machine %s of lab %s: %w", name, l.Name(), err)
	}
	if !goodName.MatchString(name) {
		return fail(errors.New("bad name"))
	}
	if err := l.forgetCuts(ctx, name); err != nil {
		return fail(err)
	}
	if err := l.change(ctx, func() error { return l.remove(ctx, name) }); err != nil {
		return fail(err)
	}
	return nil
}

// remove forgets the machine before its disk goes, so that lab.json names whole ones only.
func (l *Lab) remove(ctx context.Context, name string) error {
	m := l.Machine(name)
	if m == nil {
		return os.RemoveAll(filepath.Join(l.Dir(), "machines", name))
	}
	if err := m.Kill(ctx); err != nil {
		return err
	}
	g, err := m.group()
	if err != nil {
		return err
	}
	if err := g.remove(); err != nil {
		return err
	}
	l.state.Machines = slices.DeleteFunc(l.state.Machines, func(s machineState) bool { return s.Name == name })
	l.machines = slices.DeleteFunc(l.machines, func(other *Machine) bool { return other == m })
	if err := writeState(l.Dir(), l.state); err != nil {
		return err
	}
	return os.RemoveAll(m.dir)
}

// forgetCuts takes a machine out of all cuts. A cut with nobody left on a side is none.
func (l *Lab) forgetCuts(ctx context.Context, name string) error {
	cuts, err := l.readCuts()
	if err != nil || !slices.ContainsFunc(cuts, func(c numbered) bool { return c.names(name) }) {
		return err
	}
	return l.changeCuts(ctx, func(cuts []numbered) []numbered {
		var left []numbered
		for _, c := range cuts {
			if c.names(name) {
				all := len(c.To) == 0
				same := func(other string) bool { return other == name }
				c.From = slices.DeleteFunc(slices.Clone(c.From), same)
				c.To = slices.DeleteFunc(slices.Clone(c.To), same)
				if len(c.From) == 0 || len(c.To) == 0 && !all {
					continue
				}
			}
			left = append(left, c)
		}
		return left
	})
}

func (c Cut) names(machine string) bool {
	return slices.Contains(c.From, machine) || slices.Contains(c.To, machine)
}

// change runs f while no other process changes what lab.json says; f sees the newest
// state, and what it leaves is written.
func (l *Lab) change(ctx context.Context, f func() error) error {
	lock, err := lockFile(ctx, filepath.Join(l.Dir(), "change.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	s, err := readState(l.Name())
	if err != nil {
		return err
	}
	*l = *newLab(s)
	if err := f(); err != nil {
		return err
	}
	return errors.Join(writeState(l.Dir(), l.state), l.writeKnownHosts())
}

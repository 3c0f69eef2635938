package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Down takes the lab away: machines, network, files.
func (l *Lab) Down(ctx context.Context) error { return Down(ctx, l.Name()) }

// Down takes the lab of that name away, whole or half made, and whoever made it. Where
// there is none it does nothing.
func Down(ctx context.Context, name string) error {
	if !goodName.MatchString(name) {
		return fmt.Errorf("bad lab name %q", name)
	}
	if err := errors.Join(killAll(ctx, name), removeNetwork(ctx, name)); err != nil {
		return fmt.Errorf("cannot take lab %s down: %w", name, err)
	}
	err := locked(ctx, func() error {
		// A lab with no process and no network left needs nothing but its name to be
		// found again, so the order of removal within the directory does not matter.
		dirs := []string{filepath.Join(labsDir, name), filepath.Join(labsDir, ".new-"+name)}
		for _, dir := range dirs {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
		return lastOut()
	})
	if err != nil {
		return fmt.Errorf("cannot take lab %s down: %w", name, err)
	}
	return nil
}

// killAll ends every process of the lab.
func killAll(ctx context.Context, name string) error {
	g, err := labGroup(name)
	if err != nil {
		return err
	}
	if err := g.kill(ctx); err != nil {
		return err
	}
	return g.remove()
}

// removeNetwork removes what bears the subnet of the lab.
func removeNetwork(ctx context.Context, name string) error {
	s, err := readState(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return newNetwork(s.Subnet).down(ctx)
}

// lastOut puts the host back as it was once no lab is left.
func lastOut() error {
	left, err := names()
	if err != nil || len(left) > 0 {
		return err
	}
	all, err := labGroup("")
	if err != nil {
		return err
	}
	return errors.Join(stopForwarding(), all.remove())
}

// Sweep takes down the ephemeral labs whose process is gone, and returns their names.
func Sweep(ctx context.Context) ([]string, error) {
	found, err := List()
	if err != nil {
		return nil, err
	}
	var swept []string
	for _, name := range found {
		s, err := readState(name)
		if err != nil || !s.Ephemeral || s.Owner.alive() {
			continue
		}
		if err := Down(ctx, name); err != nil {
			return swept, err
		}
		swept = append(swept, name)
	}
	return swept, nil
}

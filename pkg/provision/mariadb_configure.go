package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Configuration is the Part of the database that is its configuration.
func (d MariaDB) Configuration() Part { return mariadbConfiguration{d} }

type mariadbConfiguration struct{ MariaDB }

func (d mariadbConfiguration) missing(r reply) (string, error) {
	seen, err := d.read(r)
	if err == nil && seen.sum != sum(d.confOf(seen)) {
		return d.place().conf() + " is not as configured", nil
	}
	return "", err
}

// Configure writes its configuration and nothing else. A server that runs is restarted where
// it changes, and has the old one again where it does not start with it.
func (d MariaDB) Configure(ctx context.Context, m job.Machine) (changed bool, err error) {
	if changed, err = d.configure(ctx, m); err != nil {
		return false, fmt.Errorf("cannot configure %s: %w", d.Name, err)
	}
	return changed, nil
}

func (d MariaDB) configure(ctx context.Context, m job.Machine) (bool, error) {
	seen, err := d.look(ctx, m)
	switch {
	case err != nil:
		return false, err
	case seen.sum == sum(d.confOf(seen)):
		return false, nil
	case !seen.program:
		return false, errors.New("there is no mariadbd: services bootstrap_binaries brings it")
	case seen.foreign():
		return false, d.somebodys(seen)
	}
	if _, err := d.place().run(ctx, m, d.place().configure(), strings.NewReader(d.confOf(seen))); err != nil {
		return false, err
	}
	if seen, err = d.look(ctx, m); err != nil {
		return false, err
	}
	if seen.sum != sum(d.confOf(seen)) {
		return false, errors.New("done, and it is still another one")
	}
	return true, nil
}

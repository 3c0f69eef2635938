package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// SampleMachines are the machines SetupSample wants.
func SampleMachines() []Spec {
	image := Databases()
	return []Spec{{"m1", image}, {"m2", image}, {"m3", image}}
}

// sample is a database service set up by hand, as an operator would before clmgr came:
//
//	m1  MariaDB primary, memcached
//	m2  MariaDB replica (GTID, semi-synchronous, read only)
//	m3  memcached
type sample struct {
	lab      *Lab
	password string // of the monitoring user clmgr
	copying  string // of the user the replica logs in with
}

// SetupSample turns m1, m2 and m3 of a lab of SampleMachines into the demonstration
// cluster and writes a configuration for it into the lab's directory, whose path it
// returns. In a lab with an EC2 endpoint the configuration is there already, and HAProxy
// and keepalived are added. Everything comes back by itself when a machine is powered on again.
func (l *Lab) SetupSample(ctx context.Context, progress io.Writer) (config string, err error) {
	s := sample{lab: l, copying: rand.Text()}
	if s.password, err = l.monitorPassword(); err != nil {
		return "", err
	}
	for _, spec := range SampleMachines() {
		if l.Machine(spec.Name) == nil {
			return "", fmt.Errorf("cannot set the sample up: lab %s has no machine %s", l.Name(), spec.Name)
		}
	}
	step(progress, "setting up MariaDB on m1 and m2, memcached on m1 and m3")
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.startMariaDB(gctx, "m1", primarySettings) })
	g.Go(func() error { return s.startMariaDB(gctx, "m2", replicaSettings) })
	g.Go(func() error { return s.startMemcached(gctx, "m1") })
	g.Go(func() error { return s.startMemcached(gctx, "m3") })
	if err := g.Wait(); err != nil {
		return "", fmt.Errorf("cannot set the sample up: %w", err)
	}
	if err := s.replicate(ctx); err != nil {
		return "", fmt.Errorf("cannot set replication up: %w", err)
	}
	step(progress, "m2 replicates from m1")
	// The sample's "boot" service looks at this.
	if _, _, err := l.Machine("m3").Run(ctx, "systemctl is-system-running --wait", nil); err != nil {
		return "", fmt.Errorf("cannot set the sample up: %w", err)
	}
	if _, ok := l.Endpoint(); ok {
		return l.ConfigFile(), l.SetupBalancers(ctx)
	}
	return l.writeConfig(local, true)
}

func (l *Lab) passwordFile() string { return filepath.Join(l.Dir(), "database-password") }

// monitorPassword is the password of the monitoring user, made when it is first asked for.
func (l *Lab) monitorPassword() (string, error) {
	b, err := os.ReadFile(l.passwordFile())
	if errors.Is(err, fs.ErrNotExist) {
		b = []byte(rand.Text())
		err = os.WriteFile(l.passwordFile(), b, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("cannot keep the database password: %w", err)
	}
	return string(b), nil
}

// startMemcached makes memcached listen on the machine's address, now and at every boot.
func (s sample) startMemcached(ctx context.Context, name string) error {
	m := s.lab.Machine(name)
	return serve(ctx, m, "memcached", "/etc/memcached.conf",
		fmt.Sprintf("-m 16\n-p 11211\n-u memcache\n-l %s\n-l 127.0.0.1\n", m.IP()))
}

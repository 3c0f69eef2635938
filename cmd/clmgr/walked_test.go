package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/manager"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/store"
)

// walkedName is the name under which the test's own binary is a clmgr that kills
// itself, walkFile the variable with the file of where it did, and walkByStep one that is
// set where commands on machines are called by what they do.
const (
	walkedName = "clmgr-walked"
	walkFile   = "CLMGR_WALK_FILE"
	walkByStep = "CLMGR_WALK_BY_STEP"
)

// walked is clmgr's main with something deadly around what it works with.
func walked() {
	k := &killer{file: os.Getenv(walkFile)}
	a := &app{streams: stdStreams(), wrap: manager.Wrap{
		Shared: func(s store.Store) store.Store { return deadlyStore{s, k, "shared"} },
		Own:    func(s store.Store) store.Store { return deadlyStore{s, k, "own"} },
		Driver: func(d cloud.Driver) cloud.Driver { return deadlyDriver{d.(*cloud.Cache), k} },
		Machine: func(m job.Machine) job.Machine {
			if os.Getenv(walkByStep) != "" {
				return namedMachine{m, k}
			}
			return deadlyMachine{m, k}
		},
	}}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}

// killer kills its own process wherever it has not been yet.
type killer struct {
	mu       sync.Mutex
	file     string
	commands atomic.Int64 // run on machines by this process
	step     sync.Mutex   // held while a step is at work that is to be killed after
}

// at kills where nobody was killed yet, but not in the middle of a step: who comes next would
// find that done, and nobody would be killed after it.
func (k *killer) at(point string) {
	if !k.been(point) {
		k.step.Lock()
		defer k.step.Unlock()
		k.kill(point)
	}
}

// been tells whether somebody was killed there.
func (k *killer) been(point string) bool {
	met, err := os.ReadFile(k.file)
	return err == nil && bytes.Contains(append([]byte("\n"), met...), []byte("\n"+point+"\n"))
}

func (k *killer) kill(point string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.been(point) {
		return
	}
	line := []byte(point + "\n")
	f, err := os.OpenFile(k.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(line)
	}
	if err != nil {
		panic(err)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// deadlyStore kills before and after each Update.
type deadlyStore struct {
	store.Store
	killer *killer
	place  string
}

func (s deadlyStore) Update(ctx context.Context, key, why string, f func([]byte) ([]byte, error)) error {
	s.killer.at("before " + s.place + " " + why)
	err := s.Store.Update(ctx, key, why, f)
	s.killer.at("after " + s.place + " " + why)
	return err
}

// deadlyDriver kills before and after each call.
type deadlyDriver struct {
	*cloud.Cache
	killer *killer
}

func (d deadlyDriver) call(verb string, f func() (cloud.Instance, error)) (cloud.Instance, error) {
	d.killer.at("before driver " + verb)
	i, err := f()
	d.killer.at("after driver " + verb)
	return i, err
}

func (d deadlyDriver) Instances(ctx context.Context) (cloud.Listing, error) {
	d.killer.at("before driver instances")
	l, err := d.Cache.Instances(ctx)
	d.killer.at("after driver instances")
	return l, err
}

func (d deadlyDriver) Instance(ctx context.Context, name string) (cloud.Instance, error) {
	return d.call("instance", func() (cloud.Instance, error) { return d.Cache.Instance(ctx, name) })
}

func (d deadlyDriver) Launch(ctx context.Context, name string) (cloud.Instance, error) {
	return d.call("launch", func() (cloud.Instance, error) { return d.Cache.Launch(ctx, name) })
}

func (d deadlyDriver) Start(ctx context.Context, name string) (cloud.Instance, error) {
	return d.call("start", func() (cloud.Instance, error) { return d.Cache.Start(ctx, name) })
}

// deadlyMachine kills before and after the first commands of a process. They have no
// names but their numbers: a look at the unit, and the step. Who comes after a step
// that was done needs no more than two.
type deadlyMachine struct {
	job.Machine
	killer *killer
}

// walkCommands is how many of them.
const walkCommands = 2

func (m deadlyMachine) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	n := m.killer.commands.Add(1)
	if n > walkCommands {
		return m.Machine.Run(ctx, command, stdin)
	}
	m.killer.at(fmt.Sprintf("before machine %d", n))
	out, err := m.Machine.Run(ctx, command, stdin)
	m.killer.at(fmt.Sprintf("after machine %d", n))
	return out, err
}

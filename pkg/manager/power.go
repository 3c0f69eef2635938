package manager

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// powerWidth is how many machines are changed at once: providers count calls.
const powerWidth = 16

// gateYes is the gate of what cannot be undone.
const gateYes = "not-confirmed"

// power asks the driver to launch, start, stop or terminate the machines of a
// group. It goes on after a failure and answers with all of them.
func (m *Manager) power(ctx context.Context, c command.Command) command.Result {
	chosen, err := m.cover(ctx, c)
	if err != nil {
		return command.Fail(c, command.NothingMatches, err)
	}
	jobs := jobsOf(chosen)
	if err := confirmed(c, jobs); err != nil {
		return command.Fail(c, command.Refused, err)
	}
	if err := m.heldMachines(ctx, c, jobs); err != nil {
		return command.Fail(c, refusedOr(command.StoreFailure, err), err)
	}
	m.run(ctx, c, jobs)
	if r, stop := interrupted(ctx, c); stop {
		r.Reason = "interrupted; what was asked of the provider goes on"
		return r
	}
	status := heartbeat.Status{At: time.Now(), Command: c, Manager: m.name}
	var failures []error
	for _, j := range jobs {
		failures = append(failures, j.err)
		if j.now.ID != "" {
			status.Instances = append(status.Instances, heartbeat.Instance{
				Cluster: j.cluster, ID: j.now.ID, Name: j.now.Name, IP: j.now.IP, State: j.now.State, Provider: j.now.State,
				Reason: j.now.Reason, At: j.now.Seen,
			})
		}
	}
	err = errors.Join(failures...)
	r := command.Result{Command: c, Code: verdict(err)}
	if err != nil {
		r.Reason = oneLine(err)
	}
	if len(status.Instances) > 0 {
		r.Body = heartbeat.Document{Status: status, Part: heartbeat.Instances}
	}
	return r
}

// verdict is the code of a change that ended so: the gravest of its failures.
func verdict(err error) command.Code {
	var refused *cloud.Refused
	var notNow *cloud.NotNow
	var vain *cloud.Unfinished
	switch {
	case err == nil:
		return command.OK
	case errors.As(err, &refused):
		return command.Refused
	case errors.As(err, &vain):
		return command.DelayedUntilStart
	case errors.As(err, &notNow) && notNow.Passing():
		return command.DelayedUntilStart
	}
	return command.RemoteManagerFailure
}

// powerJob is one machine to change.
type powerJob struct {
	cluster string
	driver  cloud.Driver
	name    string
	now     cloud.Instance // after the change
	err     error
}

func jobsOf(list []chosen) []*powerJob {
	var out []*powerJob
	for _, ch := range list {
		for _, machine := range ch.cluster.Machines {
			if ch.covers.Machines[machine.Name] {
				out = append(out, &powerJob{cluster: ch.cluster.Name, driver: ch.cluster.Driver, name: machine.Name})
			}
		}
	}
	return out
}

// confirmed refuses to remove machines unless the command says that it is meant.
func confirmed(c command.Command, jobs []*powerJob) error {
	var names []string
	for _, j := range jobs {
		if j.driver.Name() != cloud.LocalName {
			names = append(names, j.name)
		}
	}
	if c.Action != "terminate" || c.Yes || len(names) == 0 {
		return nil
	}
	return &cloud.Refused{
		Driver: jobs[0].driver.Name(), Verb: c.Action, Name: short(names), Gate: gateYes,
		Reason: "their disks would be gone for good; say --yes (\"yes\": true) if that is meant",
	}
}

// heldMachines refuses to touch machines that somebody holds, or with a held
// service on them.
func (m *Manager) heldMachines(ctx context.Context, c command.Command, jobs []*powerJob) error {
	var drafts []actions.Action
	for _, j := range jobs {
		drafts = append(drafts, actions.Action{Cluster: j.cluster, Do: command.Command{Level: c.Level, Action: c.Action, Group: j.name}})
	}
	return m.held(ctx, c, drafts, m.configured())
}

// run does all jobs, some at once.
func (m *Manager) run(ctx context.Context, c command.Command, jobs []*powerJob) {
	slots := make(chan struct{}, powerWidth)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	tell := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if done += n; m.waiting != nil {
			m.waiting(done, len(jobs))
		}
	}
	tell(0)
	for _, j := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			j.now, j.err = change(ctx, j.driver, c, j.name)
			tell(1)
		})
	}
	wg.Wait()
}

// change changes one machine, and with Wait follows it until that is over.
func change(ctx context.Context, d cloud.Driver, c command.Command, name string) (cloud.Instance, error) {
	if c.Wait {
		return cloud.Follow(ctx, d, c.Action, name)
	}
	return cloud.Change(ctx, d, c.Action, name)
}

package cloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// powerChange is one of start, stop and terminate.
type powerChange struct {
	verb  string
	from  []string // the states it is possible in
	there []string // the states in which nothing is left to do
	call  func(ctx context.Context, api *calls, id string) ([]types.InstanceStateChange, error)
}

// Start switches the machine on; it must have been launched.
func (e *EC2) Start(ctx context.Context, name string) (Instance, error) {
	return e.change(ctx, name, powerChange{
		verb: "start", from: []string{StateStopped}, there: []string{StatePending, StateRunning},
		call: func(ctx context.Context, api *calls, id string) ([]types.InstanceStateChange, error) {
			out, err := api.startInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
			if err != nil {
				return nil, err
			}
			return out.StartingInstances, nil
		},
	})
}

// Stop switches the machine off and keeps its disk.
func (e *EC2) Stop(ctx context.Context, name string) (Instance, error) {
	return e.change(ctx, name, powerChange{
		verb: "stop", from: []string{StateRunning}, there: []string{StateStopping, StateStopped},
		call: func(ctx context.Context, api *calls, id string) ([]types.InstanceStateChange, error) {
			out, err := api.stopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
			if err != nil {
				return nil, err
			}
			return out.StoppingInstances, nil
		},
	})
}

// Terminate removes the machine's instance for good.
func (e *EC2) Terminate(ctx context.Context, name string) (Instance, error) {
	return e.change(ctx, name, powerChange{
		verb: "terminate", from: []string{StatePending, StateRunning, StateStopping, StateStopped},
		there: []string{StateShuttingDown, StateTerminated, StateAbsent},
		call: func(ctx context.Context, api *calls, id string) ([]types.InstanceStateChange, error) {
			out, err := api.terminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
			if err != nil {
				return nil, err
			}
			return out.TerminatingInstances, nil
		},
	})
}

// change looks first, and calls where something is left to do.
func (e *EC2) change(ctx context.Context, name string, p powerChange) (Instance, error) {
	if _, err := e.machine(p.verb, name); err != nil {
		return Instance{}, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	i, err := e.Instance(ctx, name)
	if err != nil {
		return Instance{}, err
	}
	for _, s := range p.there {
		if i.State == s {
			return i, nil
		}
	}
	possible := false
	for _, s := range p.from {
		possible = possible || i.State == s
	}
	if !possible {
		return Instance{}, notNow(p.verb, i)
	}
	api, err := e.api(ctx)
	if err != nil {
		return Instance{}, err
	}
	changes, err := p.call(ctx, api, i.ID)
	switch {
	case code(err) == "IncorrectInstanceState":
		// It changed between the look and the call.
		if i, err = e.Instance(ctx, name); err != nil {
			return Instance{}, err
		}
		return Instance{}, notNow(p.verb, i)
	case err != nil:
		return Instance{}, failure(p.verb+" instance "+name+" ("+i.ID+")", err)
	}
	for _, c := range changes {
		if aws.ToString(c.InstanceId) == i.ID && c.CurrentState != nil {
			i.State, i.Seen, i.Reason = string(c.CurrentState.Name), time.Now(), ""
		}
	}
	return i, nil
}

func notNow(verb string, i Instance) error {
	hint := "wait until that is over, or use --wait"
	switch i.State {
	case StateAbsent, StateTerminated:
		hint = "launch it first"
	case StateShuttingDown:
		hint = "it is being removed; launch it again when it is gone"
	}
	return &NotNow{verb, i, hint}
}

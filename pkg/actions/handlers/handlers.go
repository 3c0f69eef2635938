package handlers

import (
	"context"
	"time"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// Machine is a configured machine and who changes its power.
type Machine struct {
	Name   string
	Driver cloud.Driver
}

// Service is a configured service, the machine it is on and how it is controlled.
type Service struct {
	Name    string
	Host    job.Machine
	Control services.Control
	Probe   func(context.Context) services.Observation
	// Managed says that clmgr may install and configure it; Provisions are what that is.
	Managed    bool
	Provisions []Provision
	// Configuring is what of that is its configuration; nil where clmgr lays out nothing.
	Configuring *Provision
	Syncing     *Syncing // nil for what is no replica
	Removing    *Removing
	Adopting    *Adopting // nil for what is no database
	Rolling     *Rolling  // nil for what is no managed database
	// Drain readies a service for its stop: it keeps new clients away, and returns when the
	// old ones are gone or have had time to go; nil where there is nothing to ready.
	Drain func(context.Context) error
}

// Site finds what a command is about; nothing found is an error.
type Site interface {
	Machines(command.Command) ([]Machine, error)
	Services(command.Command) ([]Service, error)
}

// Handlers are the handlers of one site.
type Handlers struct {
	Site  Site
	Limit time.Duration // of one step on a machine, which goes on without us
	// Manager is this manager's name, and Script the script of a rule of its, nil where
	// there is none: scripts are its own affair.
	Manager string
	Script  func(rule string) Script
}

// Of returns what does an action; nil for what cannot be done.
func (h Handlers) Of(a actions.Action) func(context.Context, actions.Action) error {
	switch a.Do.Level + " " + a.Do.Action {
	case "instances launch", "instances start", "instances stop", "instances terminate":
		return h.power
	case "services start", "services stop", "services restart":
		return h.lifecycle
	case "services " + BootstrapBinaries, "services " + BootstrapNCC, "services " + BootstrapConfig, "services " + Install, "services " + Replicate:
		return h.provision
	case "services " + Sync:
		return h.sync
	case "services " + Adopt:
		return h.adopt
	case "services " + Remove:
		return h.remove
	case "services " + RestartReplica, "services " + HandOver:
		return h.rolling
	case actions.Scripts + " " + actions.RunScript:
		return h.scripted(a)
	}
	return nil
}

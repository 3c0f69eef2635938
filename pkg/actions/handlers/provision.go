package handlers

import (
	"context"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Provision is one thing that a managed service needs before it can be started.
type Provision struct {
	Verb string
	// Part is what of it may be missing on the machine.
	Part provision.Part
	// Do brings it there, by the job where that takes long, and verifies it. What is as
	// wanted costs one look.
	Do func(context.Context, job.Job) error
}

// BootstrapConfig writes a service's configuration and nothing else. It is no part of a
// start: an install does that too.
const BootstrapConfig = "bootstrap_config"

// The verbs of provisioning, in the order in which a service needs them.
const (
	BootstrapBinaries = "bootstrap_binaries"
	BootstrapNCC      = "bootstrap_ncc"
	Install           = "install"
	Replicate         = "replicate"
)

// provision brings to machines what their managed services need.
func (h Handlers) provision(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	for _, s := range list { // one after another: those of a machine would meet at its package lock
		step, ok := s.Needs(a.Do.Action)
		if !ok {
			return &actions.Permanent{Err: fmt.Errorf("cannot %s %s: %s", a.Do.Action, s.Name, s.WhyNot(a.Do.Action))}
		}
		if err := step.Do(ctx, h.job(a, s)); err != nil {
			return judged(err)
		}
	}
	return nil
}

// Needs returns what a verb of provisioning does for the service.
func (s Service) Needs(verb string) (Provision, bool) {
	if verb == BootstrapConfig && s.Configuring != nil {
		return *s.Configuring, true
	}
	for _, p := range s.Provisions {
		if p.Verb == verb {
			return p, true
		}
	}
	return Provision{}, false
}

// WhyNot says why a verb of provisioning does nothing for the service.
func (s Service) WhyNot(verb string) string {
	switch {
	case !s.Managed:
		return "clmgr does not manage it; where it may install it, the configuration says managed: true"
	case verb == Replicate, verb == Sync:
		return "it is no replica, which is a mariadb with role: slave"
	case verb == Adopt, verb == RestartReplica, verb == HandOver, verb == RollingRestart:
		return "it is no mariadb"
	case verb == BootstrapNCC:
		return "its cluster has no clmgr on machines; where it should, the configuration says ncc: true"
	case verb == BootstrapBinaries:
		return "it needs no packages; name them under packages"
	}
	return "what clmgr can lay out is mariadb, memcache, haproxy, keepalived, and what the configuration gives a recipe for; its configuration stays yours"
}

// job is the transient unit of an action's step for a service.
func (h Handlers) job(a actions.Action, s Service) job.Job {
	epoch, try := a.Progress.Claim().Term()
	return job.Job{
		Unit: UnitOf(a.ID, s.Name), Epoch: epoch, Try: try, Limit: h.Limit,
		Description: fmt.Sprintf("clmgr %s: %s %s", a.ID, a.Do.Action, s.Name),
	}
}

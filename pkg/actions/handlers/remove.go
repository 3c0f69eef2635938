package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/services"
)

// Remove takes a managed service off its machine.
const Remove = "remove"

// Removing is how a service is taken off its machine; nil for what clmgr cannot lay out.
type Removing struct {
	// Look says what that takes; a *provision.Unwilling why it must not be.
	Look func(context.Context) (provision.Removal, error)
	// Do takes it. What is gone already costs one look.
	Do func(context.Context) error
	// Data says that it holds data, which ask for an operator's word.
	Data bool
}

// RemovalKey names, in an action's Require, the service whose data may go; its value
// is Meant.
func RemovalKey(service string) string { return "removal of " + service }

// Meant is the word of an operator who means it.
const Meant = "is meant"

// remove takes services off their machines.
func (h Handlers) remove(ctx context.Context, a actions.Action) error {
	list, err := h.Site.Services(a.Command())
	if err != nil {
		return &actions.Permanent{Err: err}
	}
	for _, s := range list {
		if err := mayRemove(a, s, len(list)); err != nil {
			return &actions.Permanent{Err: fmt.Errorf("cannot remove %s: %w", s.Name, err)}
		}
	}
	for _, s := range list {
		if err := h.removeOne(ctx, a, s); err != nil {
			return judged(err)
		}
	}
	return nil
}

// mayRemove says why a service, one of so many, is not removed.
func mayRemove(a actions.Action, s Service, of int) error {
	switch {
	case s.Removing == nil:
		return errors.New(s.WhyNot(Remove))
	case s.Removing.Data && of > 1:
		return errors.New("a database goes alone: name one service")
	case s.Removing.Data && a.Require[RemovalKey(s.Name)] != Meant:
		return errors.New("its data would go for good; say --yes (\"yes\": true) if that is meant")
	}
	return nil
}

// removeOne looks, keeps clients away, stops, takes away, and looks again.
func (h Handlers) removeOne(ctx context.Context, a actions.Action, s Service) error {
	if _, err := s.Removing.Look(ctx); err != nil {
		return err
	}
	if s.Drain != nil {
		if err := s.Drain(ctx); err != nil {
			return fmt.Errorf("cannot ready %s for its stop: %w", s.Name, err)
		}
	}
	step := services.Step{Verb: services.Stop, Job: h.job(a, s)}
	if _, err := services.Apply(ctx, s.Host, s.Control, step); err != nil {
		return err
	}
	if err := s.Removing.Do(ctx); err != nil {
		return err
	}
	err := verify(ctx, services.Stop, s)
	if ctx.Err() == nil {
		_ = job.Discard(ctx, s.Host, step.Job) // what cannot be cleared now only takes room there
	}
	return err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/manager"
)

// newEventsCommand groups the commands about the event log.
func newEventsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what changed, as heartbeats saw it",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newEventsListCommand(a), newEventsFollowCommand(a))
	return c
}

type eventsOptions struct {
	since time.Duration
	limit int
}

func newEventsListCommand(a *app) *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "list [GROUP] [TYPE]",
		Short: "List the events in the log, oldest first",
		Long: `List the events in the log of this machine, oldest first.

GROUP is all, a name, an ip or a cluster; TYPE is all, instances, services, clusters,
managers, vips, peers, logs, metrics, units, hosts, rules, scripts or alerts.` + "\n" + exitHelp,
		Example: "  clmgr events list --since 24h\n  clmgr events list node10 --limit 5 -o json",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEventsList(cmd.Context(), a, o, args)
		},
	}
	c.Flags().DurationVar(&o.since, "since", 0, "only events of that long ago or later, such as 24h")
	c.Flags().IntVar(&o.limit, "limit", 0, "only the newest so many of the log")
	return c
}

func newEventsFollowCommand(a *app) *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "follow [GROUP] [TYPE]",
		Short: "Show the newest events and then each as it comes",
		Long: `Show the newest events and then each as it comes, until interrupted.

With -o json each event is one line.` + "\n" + exitHelp,
		Example: "  clmgr events follow\n  clmgr events follow all services -o json | jq .name",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEventsFollow(cmd.Context(), a, o, args)
		},
	}
	c.Flags().IntVar(&o.limit, "limit", 10, "begin with the newest so many")
	return c
}

func (o eventsOptions) filter(a *app, args []string) manager.EventFilter {
	f := manager.EventFilter{Group: arg(args, 0), Type: arg(args, 1), Cluster: a.cluster, Limit: o.limit}
	if o.since > 0 {
		f.Since = time.Now().Add(-o.since)
	}
	return f
}

func runEventsList(ctx context.Context, a *app, o eventsOptions, args []string) error {
	m, err := a.manager(ctx, manager.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	list := heartbeat.EventList{Events: []heartbeat.Event{}}
	for e, err := range m.Events(ctx, o.filter(a, args), false) {
		switch {
		case err == nil:
			list.Events = append(list.Events, e)
		case manager.IsWarning(err):
			fmt.Fprintln(a.err, "clmgr: warning:", err)
		default:
			return fail(command.StoreFailure, err)
		}
	}
	if a.format() == formatTable {
		return a.eventTable(list.Events)
	}
	return a.encode(list)
}

func runEventsFollow(ctx context.Context, a *app, o eventsOptions, args []string) error {
	m, err := a.manager(ctx, manager.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	for e, err := range m.Events(ctx, o.filter(a, args), true) {
		switch {
		case ctx.Err() != nil:
			return fail(command.Interrupted, ctx.Err())
		case err == nil:
			err = a.eventLine(e)
		case manager.IsWarning(err):
			fmt.Fprintln(a.err, "clmgr: warning:", err)
			err = nil
		}
		if err != nil {
			return fail(command.StoreFailure, err)
		}
	}
	return &outcome{code: command.Interrupted, err: context.Canceled, said: true}
}

// eventLine prints one event on a line of its own.
func (a *app) eventLine(e heartbeat.Event) error {
	if a.format() == formatTable {
		_, err := fmt.Fprintln(a.out, e.At.Local().Format(time.DateTime), a.paintEvent(e))
		return err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, string(b))
	return err
}

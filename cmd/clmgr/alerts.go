package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/manager"
)

// newAlertsCommand groups the commands about who is told of what goes wrong.
func newAlertsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Show what is wrong, try who is told, and silence it",
		Long: `Show what is wrong, try who is told, and silence it.

The configuration's alerts names the places that are told, and which alerts go where.
Heartbeats send what is to be sent, and the daemon does so all the time.` + "\n" + exitHelp,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newAlertsListCommand(a), newAlertsTestCommand(a), newAlertsSilenceCommand(a), newAlertsUnsilenceCommand(a))
	return c
}

func newAlertsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Show what is wrong, what is silenced, and what has not arrived yet",
		Long:    "Show what is wrong, what is silenced, and what has not arrived yet.\n" + exitHelp,
		Example: "  clmgr alerts list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), command.Command{Level: "alerts", Action: "list"})
		},
	}
}

func newAlertsTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "test [PLACE]",
		Short:   "Send a message to a place, or to all, and tell whether it arrived",
		Long:    "Send a message to a place, or to all, and tell whether it arrived.\n" + exitHelp,
		Example: "  clmgr alerts test\n  clmgr alerts test chat",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "alerts", Action: "test", Group: arg(args, 0)})
		},
	}
}

func newAlertsSilenceCommand(a *app) *cobra.Command {
	c := command.Command{Level: "alerts", Action: "silence"}
	var last time.Duration
	cmd := &cobra.Command{
		Use:   "silence [NAME] [TYPE] --for TIME --reason TEXT",
		Short: "Keep something from being told for a while",
		Long: `Keep something from being told for a while.

NAME is what alerts are about, TYPE is instances, services, clusters, managers, vips,
peers, logs, metrics, units, hosts, rules or scripts; both may be patterns with * and ?,
and all is every one. --cluster takes a pattern too. What ends while it is silenced is
never told; what is still wrong after that is told then.` + "\n" + exitHelp,
		Example: `  clmgr alerts silence node10 --for 2h --reason "disk is being replaced"
  clmgr alerts silence 'node*' services --cluster prod --for 30m --reason upgrade`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group, c.Type, c.For = arg(args, 0), arg(args, 1), last.String()
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().DurationVar(&last, "for", 0, "for how long, such as 2h")
	cmd.Flags().StringVar(&c.Reason, "reason", "", "why, for those who meet the silence")
	_ = cmd.MarkFlagRequired("for")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func newAlertsUnsilenceCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "unsilence ID|all",
		Short:   "End a silence before its time",
		Long:    "End a silence before its time; alerts list shows the ids.\n" + exitHelp,
		Example: "  clmgr alerts unsilence s12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "alerts", Action: "unsilence", Group: args[0]})
		},
	}
}

// alertTable prints alerts for a person.
func (a *app) alertTable(l manager.AlertList) error {
	var parts []string
	if len(l.Alerts) == 0 {
		parts = append(parts, "nothing is wrong")
	} else {
		t := a.newTable(false, "SEVERITY", "CLUSTER", "TYPE", "NAME", "STATE", "SINCE", "TOLD")
		for _, in := range l.Alerts {
			k := in.Key()
			t.row("", string(in.Severity), k.Cluster, string(k.Kind), k.Name, in.Event.Is.State, moment(in.Since), a.told(l, in))
		}
		parts = append(parts, t.render())
	}
	if len(l.Silences) > 0 {
		parts = append(parts, a.silences(l.Silences))
	}
	for _, p := range l.Places {
		if p.Waiting > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d waiting %s", p.Name, p.Waiting, p.Error))
		}
	}
	_, err := fmt.Fprintln(a.out, strings.Join(parts, "\n\n"))
	return err
}

// told is who was told of an incident, in the order of the configuration.
func (a *app) told(l manager.AlertList, in alert.Incident) string {
	var names []string
	for _, p := range l.Places {
		if _, told := in.Told[p.Name]; told {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 && in.Within != "" {
		return "with its machine"
	}
	return dash(strings.Join(names, ", "))
}

func (a *app) silences(list []alert.Silence) string {
	t := a.newTable(false, "SILENCE", "CLUSTER", "TYPE", "NAME", "BY", "UNTIL", "REASON")
	for _, s := range list {
		t.row("", s.ID, orAll(s.Cluster), orAll(s.Kind), orAll(s.Name), s.By, moment(s.Until), s.Reason)
	}
	return t.render()
}

func orAll(pattern string) string {
	if pattern == "" {
		return command.All
	}
	return pattern
}

// alertTestTable prints how tests of places ended.
func (a *app) alertTestTable(l manager.AlertTests) error {
	t := a.newTable(false, "PLACE", "STATE", "SECONDS", "ERROR")
	for _, one := range l.Tests {
		t.row("", one.Place, one.State, fmt.Sprint(one.Seconds), one.Error)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newServicesCommand groups the commands about services.
func newServicesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "services",
		Short: "Look at services, start and stop them",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newStatusCommand(a, "services"))
	for _, h := range []powerHelp{
		{"start", "Start the services of a group", `A machine that is off is started first, and one that is not there launched, where the
provider does that: then the answer is ER0016 or ER0017 with exit code 4, and the
heartbeats that follow do it step by step. What runs already is left as it is.`},
		{"stop", "Stop the services of a group", `On a machine that does not run it is done as soon as that runs: ER0016, exit code 4.
What is stopped already is left as it is.`},
		{"restart", "Restart the services of a group", `It is queued for the process that runs now: once that has ended and another runs, it is
done, whoever did it. On a machine that does not run it is as a start.`},
	} {
		c.AddCommand(newLifecycleCommand(a, h))
	}
	return c
}

// newLifecycleCommand is start, stop or restart.
func newLifecycleCommand(a *app, h powerHelp) *cobra.Command {
	return &cobra.Command{
		Use:   h.verb + " GROUP [TYPE]",
		Short: h.short,
		Long: h.short + `, through systemd on their machines, or by the commands that the
configuration gives for their mode.

` + h.long + `
It is queued before it is done, so that a step that was cut short is carried on by the
next heartbeat.` + "\n" + filterHelp + "\n" + exitHelp,
		Example: "  clmgr services " + h.verb + " node10\n  clmgr services " + h.verb + " prod nosql",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{
				Level: "services", Action: h.verb, Group: args[0], Type: arg(args, 1),
			})
		},
	}
}

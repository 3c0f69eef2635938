package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newRemoveCommand is services remove.
func newRemoveCommand(a *app) *cobra.Command {
	c := command.Command{Level: "services", Action: "remove"}
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a managed service off its machine",
		Long: `Take a managed service off its machine.

Its unit is stopped and not started at boot any more, and what clmgr laid out goes: the
configuration, and for a database its data directory and what answers balancers beside it.
The packages stay. services start lays it all out again.

The data of a database go for good. So it is removed only where its own name is given, and
--yes; all else is refused with exit code 5, and nothing is queued. Refused too are data
that clmgr has neither made nor adopted, and a database that others follow: remove those
first. One that cannot be asked counts, until the configuration does not name it any more.
Balancers are told before, and clients given time to go, as by a stop.

It is queued before it is done, so that one that was cut short is carried on by the next
heartbeat. --dry-run says what would go, and changes nothing. --wait makes heartbeats until
it is over; who interrupts it leaves it to the other heartbeats.
` + exitHelp,
		Example: "  clmgr services remove db2 --dry-run\n  clmgr services remove db2 --yes --wait\n  clmgr services remove cache1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Yes, "yes", false, "it is meant: the data of the database go for good")
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	cmd.Flags().BoolVar(&c.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "dry-run")
	return cmd
}

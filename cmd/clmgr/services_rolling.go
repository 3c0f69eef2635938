package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newRollingCommand is services rolling_restart.
func newRollingCommand(a *app) *cobra.Command {
	c := command.Command{Level: "services", Action: "rolling_restart"}
	cmd := &cobra.Command{
		Use:   "rolling_restart GROUP",
		Short: "Restart the managed databases of a group while they serve",
		Long: `Restart the managed mariadb databases of a group, one after another, while the others
serve. GROUP is all, a database, a machine, an ip or a cluster; what else than a managed
mariadb it covers is left alone.

Replicas come first: balancers are kept from one, it is restarted, and the next one's turn
comes when it follows again and has all that the master had by then. Then the replica that
lags least is made the primary, the master restarts as its replica, and is made the primary
again. Each time the role is handed over, the old primary becomes read_only, the new one
executes what is left, and then takes the writes: for a few seconds writes fail, none that
was acknowledged is lost, and never do two databases take them.

A handover is refused, with exit code 5 or as a failed step, by the gate that is named:
every database answers (all-reachable), all are managed (all-managed), one takes writes
(one-primary), another one is there (a-replica), all others follow it (follows-primary),
the new one is not far behind (lag), has no transactions of its own (errant-transactions),
the others can follow its version (versions), and nobody is connected whom read_only does
not bind (bound-by-read-only). A restart is refused where what answers balancers beside the
database is another version's (knows-balancers; services install brings this one's), or
where the database takes the writes by then (restarts-no-primary). A step that fails stops
what comes after it, until clmgr actions retry.

It is queued before it is done, so that a step that was cut short is carried on by the
next heartbeat. --dry-run says which steps there are, and changes nothing. --wait makes
heartbeats until all is over; who interrupts it leaves what is left to the others.
` + exitHelp,
		Example: "  clmgr services rolling_restart prod --dry-run\n  clmgr services rolling_restart prod --wait\n  clmgr services rolling_restart db2",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	cmd.Flags().BoolVar(&c.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "dry-run")
	return cmd
}

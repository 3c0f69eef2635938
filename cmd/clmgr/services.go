package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newServicesCommand groups the commands about services.
func newServicesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "services",
		Short: "Look at services, install, start and stop them",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newStatusCommand(a, "services"))
	for _, h := range []powerHelp{
		{"start", "Start the services of a group", `A machine that is off is started first, and one that is not there launched, where the
provider does that: then the answer is ER0016 or ER0017 with exit code 4, and the
heartbeats that follow do it step by step. What runs already is left as it is.

A service that the configuration says is managed goes through bootstrap_binaries and
install first, a replica through replicate too. What of that is so already costs one look
and is left alone. Replicas wait for their master, a balancer for the databases that it
leads to, an address for the balancer of its machine.` + steered},
		{"stop", "Stop the services of a group", `On a machine that does not run it is done as soon as that runs: ER0016, exit code 4.
What is stopped already is left as it is. Of a managed database the balancers hear first:
they send no new clients, and the old ones have 10 s to go.` + steered},
		{"restart", "Restart the services of a group", `It is queued for the process that runs now: once that has ended and another runs, it is
done, whoever did it. On a machine that does not run it is as a start. Clients of a managed
database are let go first, as by a stop.` + steered},
		{"bootstrap_ncc", "Have clmgr itself run on the machines of a group", `It is copied there, with a configuration that holds that machine and what runs on it
alone, and runs as the unit clmgr-node. The configuration asks for it: ncc: true.`},
		{"bootstrap_binaries", "Install the packages of the managed services of a group", `The configuration names them, with a version where one is pinned; else they are those of
the mode. What they bring is not started: that comes after it was configured.`},
		{"bootstrap_config", "Write the configuration of the managed services of a group", `Of a database that is its configuration file alone, without data directory and accounts;
of a recipe its files, without its commands. It is checked by the program itself, replaced
in one step, and taken back where a service that runs does not take it.`},
		{"install", "Lay out the managed services of a group", `Their configuration, and for a database its data directory and accounts. Data that is
there already is never overwritten. What is as wanted is left alone; a server that runs is
restarted where its configuration changes.`},
		{"replicate", "Have the managed replicas of a group follow their master", `A replica with role: slave follows the one database of its cluster with role: master, by
GTID, and a row written there must arrive. It begins at the master's beginning, or with a
copy where the master has dropped its first binary logs. One that has held data already is
refused: services sync gives it a copy in their place.`},
	} {
		c.AddCommand(newLifecycleCommand(a, h))
	}
	c.AddCommand(newSyncCommand(a), newRemoveCommand(a), newAdoptCommand(a), newRollingCommand(a))
	return c
}

// steered is how services are started and stopped.
const steered = `

It goes over SSH through systemd on the machine, or by the commands that the configuration
gives for the mode.`

// newLifecycleCommand is start, stop, restart, or a part of a start.
func newLifecycleCommand(a *app, h powerHelp) *cobra.Command {
	c := command.Command{Level: "services", Action: h.verb}
	cmd := &cobra.Command{
		Use:   h.verb + " GROUP [TYPE]",
		Short: h.short,
		Long: h.short + ".\n\n" + h.long + `

It is queued before it is done, so that a step that was cut short is carried on by the
next heartbeat. --dry-run says which steps there are, which of them are done already, and
what the others wait for; it changes nothing. --wait makes heartbeats until all is over;
who interrupts it leaves what is left to the other heartbeats.
` + filterHelp + "\n" + exitHelp,
		Example: "  clmgr services " + h.verb + " node10\n  clmgr services " + h.verb + " prod nosql --dry-run\n  clmgr services " + h.verb + " all --wait",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group, c.Type = args[0], arg(args, 1)
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	cmd.Flags().BoolVar(&c.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "dry-run")
	return cmd
}

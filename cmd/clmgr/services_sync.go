package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newSyncCommand is services sync.
func newSyncCommand(a *app) *cobra.Command {
	c := command.Command{Level: "services", Action: "sync"}
	cmd := &cobra.Command{
		Use:   "sync NAME",
		Short: "Give a managed replica a copy of what its master holds",
		Long: `Give a managed replica a copy of what its master holds, and have it follow from there on.

It is for a replica that is broken, has missed too much, or holds what its master does not.
Its server is stopped, the copy comes over straight from another machine of the cluster,
and takes the place of the data; then the server starts and a row written on the master
must arrive. Where anything fails before that, the old data serve again.

The copy is of another replica that keeps up with the master, else of the master itself,
which both go on serving. mariadb-backup makes it, and is installed where it is missing; a
replica of a later major version than its donor is given a dump instead, which takes longer
and leaves the master's accounts out. It comes in encrypted, at the database's own port,
by keys that are made for it and are never on a disk.

The old data stay until the new ones serve: for a while both need room, and what is too
small is refused before anything is done. A replica that holds databases is refused with
exit code 5 unless --yes says that they may go, whoever made them.

It is queued before it is done, so that one that was cut short is carried on by the next
heartbeat. --dry-run says what would be replaced, and changes nothing. --wait makes
heartbeats until it is over; who interrupts it leaves it to the other heartbeats.
` + exitHelp,
		Example: "  clmgr services sync db2 --dry-run\n  clmgr services sync db2 --yes --wait",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Yes, "yes", false, "it is meant: the databases of the replica go for good")
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	cmd.Flags().BoolVar(&c.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "dry-run")
	return cmd
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newAdoptCommand is services adopt.
func newAdoptCommand(a *app) *cobra.Command {
	c := command.Command{Level: "services", Action: "adopt"}
	cmd := &cobra.Command{
		Use:   "adopt NAME",
		Short: "Take over a database that somebody else has made",
		Long: `Take over a database that somebody else has made: a MariaDB of Debian's package, with its
data in /var/lib/mysql, that the configuration says is managed.

No start touches such a database. Adopted, it is one of clmgr's: its settings, accounts and
what answers balancers beside it become as services install lays them out. Databases and
rows stay as they are, and its logs keep their names. An account without a name, a root
from elsewhere, and accounts called as those of the configuration are put right, as by
install.

The server goes on running, and takes the settings as it runs. Where one needs a restart,
as log_bin does, it is refused with exit code 5 unless --yes says that there may be one;
where the server does not start with it, the old configuration serves again.

It is queued before it is done. --dry-run says what differs, a line each, and changes
nothing. --wait makes heartbeats until it is over.
` + exitHelp,
		Example: "  clmgr services adopt db1 --dry-run\n  clmgr services adopt db1 --wait",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Yes, "yes", false, "the database may be restarted")
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	cmd.Flags().BoolVar(&c.DryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.MarkFlagsMutuallyExclusive("wait", "dry-run")
	return cmd
}

package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// newHoldCommands are hold, release and holds.
func newHoldCommands(a *app) []*cobra.Command {
	return []*cobra.Command{newHoldCommand(a), newReleaseCommand(a), newHoldsCommand(a)}
}

const holdHelp = `
While a group is held nothing is started, stopped or changed there, by any door: commands
are refused with exit code 5, what is queued waits, and every heartbeat shows the hold.`

func newHoldCommand(a *app) *cobra.Command {
	c := command.Command{Level: "holds", Action: "hold"}
	var last time.Duration
	cmd := &cobra.Command{
		Use:   "hold GROUP --reason TEXT",
		Short: "Keep everything in a group from being changed",
		Long: "Keep everything in a group from being changed, until it is released or the time is over.\n" + holdHelp + `

GROUP is all, a cluster, a machine, an ip or a service.` + "\n" + exitHelp,
		Example: `  clmgr hold node10 --for 2h --reason "disk is being replaced"
  clmgr hold prod --reason "audit"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			if last != 0 {
				c.For = last.String()
			}
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().DurationVar(&last, "for", 0, "for how long, such as 2h; until released where it is not given")
	cmd.Flags().StringVar(&c.Reason, "reason", "", "why, for those who meet the hold")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func newReleaseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "release GROUP",
		Short:   "End the holds of a group",
		Long:    "End the holds of a group; it is named as it was when it was held.\n" + exitHelp,
		Example: "  clmgr release node10",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "holds", Action: "release", Group: args[0]})
		},
	}
}

func newHoldsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "holds",
		Short:   "Show what is held, by whom and why",
		Long:    "Show what is held, by whom and why.\n" + holdHelp + "\n" + exitHelp,
		Example: "  clmgr holds",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), command.Command{Level: "holds", Action: "list"})
		},
	}
}

package main

import "github.com/spf13/cobra"

// newServicesCommand groups the commands about services.
func newServicesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "services",
		Short: "Look at services",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newStatusCommand(a, "services"))
	return c
}

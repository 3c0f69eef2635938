package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/plan"
)

// newSchemaCommand prints the JSON Schemas of the documents.
func newSchemaCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a document",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, s := range []struct {
		name, what string
		schema     func() ([]byte, error)
	}{
		{"status", "the answer to instances heartbeat and the status commands", heartbeat.StatusSchema},
		{"events", "the list of events", heartbeat.EventsSchema},
		{"actions", "actions, as they are printed and as standard input takes them", actions.Schema},
		{"plans", "the answer to --dry-run", plan.Schema},
		{"command", "a command on standard input", command.Schema},
		{"config", "the configuration file", config.Schema},
	} {
		c.AddCommand(&cobra.Command{
			Use:   s.name,
			Short: "Print the schema of " + s.what,
			Args:  cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				b, err := s.schema()
				if err != nil {
					return err
				}
				_, err = a.out.Write(append(b, '\n'))
				return err
			},
		})
	}
	return c
}

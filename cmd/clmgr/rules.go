package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

const rulesHelp = `
A rule says what is done about events: an action or a script is queued, where the cluster
is automatic, and only told elsewhere; an alert goes to the alerters. What rules do, and
would have done, are events of type rules. They stand under rules in the configuration.`

// newRulesCommand groups the commands about rules.
func newRulesCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "Show what is done about events, and try it",
		Long:  "Show what is done about events, and try it.\n" + rulesHelp,
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newRulesListCommand(a), newRulesTestCommand(a))
	return c
}

func newRulesListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the rules, and how often each fired",
		Long:    "List the rules, how often each fired within the last hour, and what it waits for.\n" + rulesHelp + "\n" + exitHelp,
		Example: "  clmgr rules list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), command.Command{Level: "rules", Action: "list"})
		},
	}
}

func newRulesTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test [EVENT.json]",
		Short: "Say what each rule would do about an event, and why not",
		Long: `Say what each rule would do about an event that came now: which of its fields does not
match, until when flood control keeps it back, whether the cluster is automatic, and
which hold would keep the action from being started. Nothing is done or remembered.

The file has an event, or several as {"events":[…]}, in JSON5; without it, or where it is
called -, standard input has. What lacks a time is of now.` + "\n" + exitHelp,
		Example: `  clmgr rules test event.json
  echo "{type:'services',name:'node10',state:'stopped'}" | clmgr rules test`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRulesTest(cmd.Context(), a, arg(args, 0))
		},
	}
}

func runRulesTest(ctx context.Context, a *app, path string) error {
	in := a.in
	if path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fail(command.NotUnderstood, fmt.Errorf("cannot read event: %w", err))
		}
		defer f.Close()
		in = f
	}
	document, err := readEvents(in)
	if err != nil {
		return fail(command.NotUnderstood, err)
	}
	return a.do(ctx, command.Command{Level: "rules", Action: "test", Document: document})
}

// readEvents reads events, one a document or several as {"events":[…]}, and returns
// them all as one document.
func readEvents(in io.Reader) (string, error) {
	events := []any{}
	reader := command.NewReader(in)
	for {
		doc, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("cannot read event: %w", err)
		}
		if list, several := doc.Body["events"].([]any); several {
			events = append(events, list...)
			continue
		}
		events = append(events, doc.Body)
	}
	b, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		return "", fmt.Errorf("cannot read event: %w", err)
	}
	return string(b), nil
}

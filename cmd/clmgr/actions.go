package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

const actionsHelp = `
An action waits until what is at an ip is in a state, and is then done by whichever
heartbeat finds it due. It is tried again when it fails, with growing pauses, and in the
end parked as failed until somebody retries or cancels it.`

// newActionsCommand groups the commands about the queue.
func newActionsCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "actions",
		Short: "Show and change the queue of delayed actions",
		Long:  "Show and change the queue of delayed actions.\n" + actionsHelp,
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newActionsListCommand(a), newActionsShowCommand(a), newActionsAddCommand(a),
		newActionsChangeCommand(a, "retry", "Let failed actions wait again", `An action that was given up gets all its attempts and its time anew.`),
		newActionsChangeCommand(a, "cancel", "Give actions up for good", `What comes after a cancelled action is cancelled too. One that is at work is stopped; if it
was done before that, it stays done, and the command says so with exit code 5.`))
	return c
}

func newActionsListCommand(a *app) *cobra.Command {
	c := command.Command{Level: "actions", Action: "list"}
	cmd := &cobra.Command{
		Use:   "list [GROUP]",
		Short: "List actions, and why each does not start",
		Long: `List the actions of the queue that are not over, the oldest first, and why each does not
start, judged by what was recorded last. What is over is remembered for a week: --state
all, done or cancelled shows it, and --plan all of a plan.

GROUP is all, a cluster, or what an action is done to or waits for.` + "\n" + actionsHelp + "\n" + exitHelp,
		Example: "  clmgr actions list\n  clmgr actions list --state failed\n  clmgr actions list node10 -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = arg(args, 0)
			return a.do(cmd.Context(), c)
		},
	}
	chooseActions(cmd, &c)
	return cmd
}

// chooseActions adds the flags that choose among actions.
func chooseActions(cmd *cobra.Command, c *command.Command) {
	cmd.Flags().StringVar(&c.Plan, "plan", "", "only those of the plan with that `id`")
	cmd.Flags().StringVar(&c.State, "state", "", "only those in that `state`: waiting, running, failed, cancelled, done or all")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(
		[]string{"waiting", "running", "failed", "cancelled", "done", "all"}, cobra.ShellCompDirectiveNoFileComp))
}

func newActionsShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Tell the story of one action",
		Long: `Tell the story of one action: who asked for it, what it waits for, what was tried and
how that ended, when it is tried next, and on whose disks it is.` + "\n" + exitHelp,
		Example: "  clmgr actions show ops1-x3k9qa.7",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), command.Command{Level: "actions", Action: "show", ID: args[0]})
		},
	}
}

func newActionsAddCommand(a *app) *cobra.Command {
	c := command.Command{Level: "actions", Action: "add"}
	cmd := &cobra.Command{
		Use:   "add --do LEVEL:ACTION:GROUP [--when KIND:IP:STATE]",
		Short: "Queue an action",
		Long: `Queue an action: what --do says is done once what --when says is so, or with the next
heartbeat. The same asked for twice is queued once.

ACTION is launch, start, stop or terminate of instances, and start, stop or restart of
services; scripts:run:RULE runs the script of a rule. KIND is instances or services; of
services all those at the ip must be in the state. A document {"actions":[…]} on standard
input queues several, in their order.` + "\n" + actionsHelp + "\n" + exitHelp,
		Example: `  clmgr actions add --when instances:10.0.0.102:running --do services:start:node10
  clmgr actions add --do instances:start:db2
  clmgr actions add --do services:restart:node10 --after ops1-x3k9qa.7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.do(cmd.Context(), c) },
	}
	cmd.Flags().StringVar(&c.When, "when", "", "what it waits for, as `KIND:IP:STATE`")
	cmd.Flags().StringVar(&c.Do, "do", "", "what is to be done, as `LEVEL:ACTION:GROUP`")
	cmd.Flags().StringVar(&c.After, "after", "", "the `id` of the action that is to be done first; several with commas")
	cmd.Flags().StringVar(&c.Plan, "plan", "", "the plan to put it at the end of, by its `id`")
	_ = cmd.MarkFlagRequired("do")
	return cmd
}

func newActionsChangeCommand(a *app, verb, short, long string) *cobra.Command {
	c := command.Command{Level: "actions", Action: verb}
	cmd := &cobra.Command{
		Use:     verb + " [ID]",
		Short:   short,
		Long:    short + ".\n\n" + long + "\nGive the id of one, or --plan or --state for several.\n" + exitHelp,
		Example: "  clmgr actions " + verb + " ops1-x3k9qa.7\n  clmgr actions " + verb + " --plan ops1-x3k9qa.5",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.ID = arg(args, 0)
			return a.do(cmd.Context(), c)
		},
	}
	chooseActions(cmd, &c)
	return cmd
}

// newQueueCommands are the verbs of 2012 for the queue as a whole.
func newQueueCommands(a *app) []*cobra.Command {
	list := command.Command{Level: "instances", Action: "actions"}
	show := &cobra.Command{
		Use:     "actions",
		Short:   "Print the queue of delayed actions as a document",
		Long:    "Print the queue of delayed actions as a document, as `clmgr actions list` does.\n" + exitHelp,
		Example: "  clmgr instances actions -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.do(cmd.Context(), list) },
	}
	clear := command.Command{Level: "instances", Action: "actions_init"}
	empty := &cobra.Command{
		Use:   "actions_init",
		Short: "Empty the queue of delayed actions",
		Long: `Empty the queue of delayed actions, on every manager that shares it. What is at work is
cancelled and stops. What is taken out is printed.` + "\n" + exitHelp,
		Example: "  clmgr instances actions_init --yes",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.do(cmd.Context(), clear) },
	}
	empty.Flags().BoolVar(&clear.Yes, "yes", false, "it is meant: what waits is gone for good")
	return []*cobra.Command{show, empty}
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
)

// powerHelp is what a verb does, for its help.
type powerHelp struct{ verb, short, long string }

func powerHelps() []powerHelp {
	return []powerHelp{
		{"launch", "Create the machines of a group", `A machine that is there already is left as it is: launching twice, or ten times at
once, or again after a crash gives one machine. It gets its configured ip, and the image,
type, key pair, subnet and security groups that the configuration names under cloud.`},
		{"start", "Switch the machines of a group on", "What runs already is left as it is."},
		{"stop", "Switch the machines of a group off", "Their disks stay. What is off already is left as it is."},
		{"terminate", "Remove the machines of a group for good", `Their disks are gone with them, which is why --yes must be said. What is gone already
is left as it is.`},
	}
}

// newPowerCommands are launch, start, stop and terminate.
func newPowerCommands(a *app) []*cobra.Command {
	var out []*cobra.Command
	for _, h := range powerHelps() {
		out = append(out, newPowerCommand(a, h))
	}
	return out
}

func newPowerCommand(a *app, h powerHelp) *cobra.Command {
	c := command.Command{Level: "instances", Action: h.verb}
	cmd := &cobra.Command{
		Use:   h.verb + " GROUP",
		Short: h.short,
		Long: h.short + ".\n\n" + h.long + `

The provider is asked and the answer is printed; --wait follows the machines until that
is over, 15 minutes at most. The LOCAL driver, for machines that are simply there, refuses
with exit code 5 and says what to do instead.
` + filterHelp + "\n" + exitHelp,
		Example: "  clmgr instances " + h.verb + " db1" + map[bool]string{true: " --yes"}[h.verb == "terminate"] +
			"\n  clmgr instances " + h.verb + " prod --wait" + map[bool]string{true: " --yes"}[h.verb == "terminate"],
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Group = args[0]
			return a.do(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.Wait, "wait", false, "answer when it is over")
	if h.verb == "terminate" {
		cmd.Flags().BoolVar(&c.Yes, "yes", false, "it is meant: the machines and their disks go for good")
	}
	return cmd
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/manager"
)

const addressHelp = `
ADDRESS is an elastic ip (default: elastic_ip of the cluster's cloud) or a private address:
one that a network interface has as its own moves with that interface, any other becomes a
secondary address of the machine's first interface. The machine itself is not told: let
keepalived, or the system's own settings, take the address up.`

// newAddressCommands are about the addresses that move between machines.
func newAddressCommands(a *app) []*cobra.Command {
	move := func(verb, short, long string) *cobra.Command {
		return &cobra.Command{
			Use: verb + " MACHINE [ADDRESS]", Short: short,
			Long: short + ".\n\n" + long + "\n" + addressHelp + "\n" + exitHelp,
			Example: "  clmgr instances " + verb + " db1\n  clmgr instances " + verb + " db1 203.0.113.10\n" +
				"  clmgr instances " + verb + " db1 10.0.0.100",
			Args: cobra.RangeArgs(1, 2),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.do(cmd.Context(), command.Command{Level: "instances", Action: verb, Group: args[0], Address: arg(args, 1)})
			},
		}
	}
	return []*cobra.Command{
		move("associate", "Give an address to a machine", "It is taken from whoever has it."),
		move("disassociate", "Take an address from a machine", "Where the machine does not have it nothing is done."),
		newAddressStatus(a, "status_eip [ADDRESS]", cobra.MaximumNArgs(1), "Tell which machine has an elastic ip",
			"Without ADDRESS it is elastic_ip of the cluster's cloud."),
		newAddressStatus(a, "status_vip ADDRESS", cobra.ExactArgs(1), "Tell which machine has a private address that moves",
			"This is what the provider knows. Who answers at the address is for a keepalived service to tell."),
	}
}

func newAddressStatus(a *app, use string, args cobra.PositionalArgs, short, long string) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: args,
		Long: short + ".\n\n" + long + " Where nobody has it the exit code is 3.\n" + exitHelp,
	}
	c.Example = "  clmgr instances " + c.Name() + " 10.0.0.100 --cluster prod"
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return a.do(cmd.Context(), command.Command{Level: "instances", Action: c.Name(), Address: arg(args, 0)})
	}
	return c
}

// addressTable prints who has which address, for a person.
func (a *app) addressTable(list manager.AddressList) error {
	t := a.newTable(false, "ADDRESS", "KIND", "MACHINE", "INSTANCE", "ID")
	for _, h := range list.Addresses {
		t.row(h.Cluster, h.Address, dash(h.Kind), dash(h.Name), dash(h.Instance), h.ID)
	}
	_, err := fmt.Fprintln(a.out, t.render())
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/internal/lab"
)

// labVerb is something done to machines.
type labVerb struct {
	name, short string
	do          func(context.Context, *lab.Machine) error
}

func labVerbs() []labVerb {
	return []labVerb{
		{"on", "Switch machines on and wait for sshd", func(ctx context.Context, m *lab.Machine) error {
			if err := m.PowerOn(ctx); err != nil {
				return err
			}
			return m.WaitSSH(ctx)
		}},
		{"off", "Shut machines down in order", func(ctx context.Context, m *lab.Machine) error { return m.PowerOff(ctx) }},
		{"kill", "Pull the power cord of machines", func(ctx context.Context, m *lab.Machine) error { return m.Kill(ctx) }},
		{"freeze", "Stop every process of machines where it is", func(ctx context.Context, m *lab.Machine) error { return m.Freeze(ctx) }},
		{"thaw", "Let frozen machines go on", func(ctx context.Context, m *lab.Machine) error { return m.Thaw(ctx) }},
	}
}

func newLabVerb(name *string, v labVerb) *cobra.Command {
	return &cobra.Command{
		Use: v.name + " MACHINE…", Short: v.short,
		Example: "  clmgr lab " + v.name + " m1", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				m, err := labMachine(*name, arg)
				if err != nil {
					return err
				}
				if err := v.do(cmd.Context(), m); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newLabCut(name *string) *cobra.Command {
	var c lab.Cut
	cmd := &cobra.Command{
		Use:   "cut FROM[,…] [TO[,…]]",
		Short: "Part machines from one another",
		Long: `Part machines from one another; without TO, from all others. "host" is this host. Packets
are dropped and nobody is told: the interfaces keep their carrier, unless --link pulls the
cable out.`,
		Example: `  clmgr lab cut m1,m2 m3            # m3 alone on its side
  clmgr lab cut host                # this host sees no machine
  clmgr lab cut m2 m1 --port 3306   # m2 cannot reach the database on m1
  clmgr lab cut m1 m2 --one-way     # what m1 sends to m2 is lost
  clmgr lab cut m1 --link           # m1 without its cable`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := labOpen(*name)
			if err != nil {
				return err
			}
			c.From = strings.Split(args[0], ",")
			if len(args) == 2 {
				c.To = strings.Split(args[1], ",")
			}
			_, err = l.Cut(cmd.Context(), c)
			return err
		},
	}
	cmd.Flags().Uint16Var(&c.Port, "port", 0, "only connections to this TCP port of TO")
	cmd.Flags().BoolVar(&c.OneWay, "one-way", false, "packets from TO still arrive")
	cmd.Flags().BoolVar(&c.Link, "link", false, "pull the cables of FROM out")
	return cmd
}

func newLabHeal(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "heal", Short: "End all cuts of the lab",
		Example: "  clmgr lab heal", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := labOpen(*name)
			if err != nil {
				return err
			}
			return l.Heal(cmd.Context())
		},
	}
}

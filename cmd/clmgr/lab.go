package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/command"
)

// newLabCommand is the lab: real machines on this host to try clmgr on.
func newLabCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "Run real Debian machines on this host to try clmgr on",
		Long: `Run real Debian machines on this host to try clmgr on.

A lab is some Debian systems with systemd and sshd, each with its own address, on one
bridge. It needs root on Debian or Ubuntu. The first lab builds an image of the machines'
disk, which takes a minute or two; later ones are up in seconds.`,
		Example: `  clmgr lab up --sample           # a MariaDB primary and replica, and memcached
  clmgr -c $(clmgr lab up) instances heartbeat
  clmgr lab kill m1               # pull the power cord
  clmgr lab cut m2 m1 --port 3306 # m2 cannot reach the database on m1
  clmgr lab down`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	name := c.PersistentFlags().String("name", "demo", "the lab's name")
	c.AddCommand(newLabUp(name), newLabStatus(), newLabDown(name), newLabExec(name), newLabCut(name), newLabHeal(name),
		newLabEC2(name), newLabSample(name))
	for _, v := range labVerbs() {
		c.AddCommand(newLabVerb(name, v))
	}
	return c
}

type labUpOptions struct {
	machines int
	image    string
	sample   bool
	ec2      bool
}

func newLabUp(name *string) *cobra.Command {
	var o labUpOptions
	c := &cobra.Command{
		Use:   "up",
		Short: "Boot the machines and print the path of a configuration for them",
		Example: `  clmgr lab up --sample
  clmgr lab up --ec2 --sample     # then: clmgr -c … instances launch all --wait; clmgr lab sample
  clmgr lab up --name other --machines 5 --image debian13`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := runLabUp(cmd.Context(), *name, o, cmd)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), config)
			}
			return err
		},
	}
	c.Flags().IntVar(&o.machines, "machines", 3, "how many machines: m1, m2, …")
	c.Flags().StringVar(&o.image, "image", lab.Databases().Name, "what is on them: "+strings.Join(labImageNames(), ", "))
	c.Flags().BoolVar(&o.sample, "sample", false, "set up MariaDB with a replica, and memcached, on three machines; with --ec2 launch them first")
	c.Flags().BoolVar(&o.ec2, "ec2", false, "with an EC2 endpoint, which can launch more machines")
	return c
}

func labImageNames() []string {
	var names []string
	for _, i := range lab.Images() {
		names = append(names, i.Name)
	}
	return names
}

func labImage(name string) (lab.Image, error) {
	for _, i := range lab.Images() {
		if i.Name == name {
			return i, nil
		}
	}
	return lab.Image{}, fail(command.NotUnderstood,
		fmt.Errorf("no image %q: there are %s", name, strings.Join(labImageNames(), ", ")))
}

func runLabUp(ctx context.Context, name string, o labUpOptions, cmd *cobra.Command) (config string, err error) {
	image, err := labImage(o.image)
	if err != nil {
		return "", err
	}
	if o.sample && o.ec2 {
		return runLabCloudSample(ctx, name, cmd.ErrOrStderr())
	}
	if want := lab.SampleMachines(); o.sample && (o.machines < len(want) || image.Name != want[0].Image.Name) {
		return "", fail(command.NotUnderstood,
			fmt.Errorf("the sample needs %d machines or more with image %s", len(want), want[0].Image.Name))
	}
	progress := cmd.ErrOrStderr()
	options := lab.Options{Name: name, Progress: progress, Empty: o.ec2}
	for i := range o.machines {
		options.Machines = append(options.Machines, lab.Spec{Name: fmt.Sprintf("m%d", i+1), Image: image})
	}
	l, err := lab.Up(ctx, options)
	if exists := (*lab.Exists)(nil); errors.As(err, &exists) {
		return "", fmt.Errorf("%w (clmgr lab down --name %s takes it away)", err, name)
	}
	if err != nil {
		return "", err
	}
	if o.sample {
		config, err = l.SetupSample(ctx, progress)
	} else {
		config, err = l.WriteConfig()
	}
	if err == nil && o.ec2 {
		err = startLabEC2(ctx, l, progress)
	}
	if err != nil {
		return "", errors.Join(err, l.Down(context.WithoutCancel(ctx)))
	}
	fmt.Fprintf(progress, "lab: try  clmgr -c %s instances heartbeat\n", config)
	return config, nil
}

func newLabStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the labs of this host, their machines and cuts",
		Example: "  clmgr lab status", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := lab.List()
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "LAB\tMACHINE\tADDRESS\tSTATE")
			for _, name := range names {
				if err := writeLabStatus(table, name); err != nil {
					return err
				}
			}
			return table.Flush()
		},
	}
}

func writeLabStatus(table *tabwriter.Writer, name string) error {
	l, err := lab.Open(name)
	if gone := (*lab.NotThere)(nil); errors.As(err, &gone) {
		fmt.Fprintf(table, "%s\t\t\thalf removed\n", name)
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range l.Machines() {
		state := "off"
		switch {
		case m.Frozen():
			state = "frozen"
		case m.Running():
			state = "on"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", name, m.Name(), m.IP(), state)
	}
	if e, ok := l.Endpoint(); ok {
		state := "stopped"
		if l.APIRunning() {
			state = "serving"
		}
		fmt.Fprintf(table, "%s\tEC2\t%s\t%s\n", name, e.URL(), state)
	}
	cuts, err := l.Cuts()
	for _, c := range cuts {
		fmt.Fprintf(table, "%s\t\t\tcut %s\n", name, c)
	}
	return err
}

func newLabDown(name *string) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "down", Short: "Take the lab away: machines, network and files",
		Example: `  clmgr lab down
  clmgr lab down --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !all {
				return lab.Down(cmd.Context(), *name)
			}
			names, err := lab.List()
			for _, n := range names {
				err = errors.Join(err, lab.Down(cmd.Context(), n))
			}
			return err
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every lab of this host, those of running tests too")
	return c
}

func newLabExec(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "exec MACHINE -- COMMAND …", Short: "Run a command in a machine, as root and not through the network",
		Example: `  clmgr lab exec m1 -- systemctl stop mariadb
  clmgr lab exec m1 -- 'pkill -STOP mariadbd'`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := labMachine(*name, args[0])
			if err != nil {
				return err
			}
			return m.Exec(cmd.Context(), labShell(args[1:]), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// labShell makes one shell command of the arguments: a single one is a command line
// already, several are words.
func labShell(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	var words []string
	for _, a := range args {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

func labMachine(labName, machine string) (*lab.Machine, error) {
	l, err := labOpen(labName)
	if err != nil {
		return nil, err
	}
	m := l.Machine(machine)
	if m == nil {
		return nil, fail(command.NothingMatches, fmt.Errorf("lab %s has no machine %q", labName, machine))
	}
	return m, nil
}

func labOpen(name string) (*lab.Lab, error) {
	l, err := lab.Open(name)
	if gone := (*lab.NotThere)(nil); errors.As(err, &gone) {
		return nil, fail(command.NothingMatches, err)
	}
	return l, err
}

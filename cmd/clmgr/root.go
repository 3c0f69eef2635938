package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/manager"
)

// streams are where the program reads and writes. Width is that of the
// terminal in columns, 0 where standard output is none.
type streams struct {
	in          io.Reader
	out, err    io.Writer
	inTerminal  bool
	errTerminal bool
	width       int
	colour      bool
}

func stdStreams() streams {
	s := streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTerminal: term.IsTerminal(int(os.Stdin.Fd())), errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		s.width = 80
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
			s.width = w
		}
		_, off := os.LookupEnv("NO_COLOR")
		s.colour = !off && os.Getenv("TERM") != "dumb"
	}
	return s
}

// app is what all commands share: the streams and the global flags.
type app struct {
	streams
	config, output, store, cluster string
	wrap                           manager.Wrap
	started                        bool // a command's own work has begun: errors are no longer about usage
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int { return (&app{streams: s}).run(ctx, args) }

func (a *app) run(ctx context.Context, args []string) int {
	root := newRootCommand(a)
	a.watch(root)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	var o *outcome
	if said := errors.As(err, &o) && o.said; err != nil && !said {
		fmt.Fprintln(a.err, "clmgr:", err)
	}
	return exitOf(err, !a.started)
}

// watch notes when a command's own work begins: until then an error is cobra's
// word about flags and arguments.
func (a *app) watch(c *cobra.Command) {
	if work := c.RunE; work != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return work(cmd, args)
		}
	}
	for _, sub := range c.Commands() {
		a.watch(sub)
	}
}

func newRootCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "clmgr",
		Short: "Look after clusters of database machines",
		Long: `clmgr looks at the machines and services of database clusters, prints what it saw,
compares it with its last look, tells what changed, and does what was queued for it.

Without a command it reads JSON commands from standard input and answers each with
one line of JSON; JSON5 is understood, and documents may follow one another:

  {"level":"instances","command":{"action":"heartbeat","group":"all","type":"all"}}
` + exitHelp,
		Example: `  clmgr config init                     # write a commented clmgr.yaml to start from
  clmgr instances heartbeat             # look at everything, tell what changed
  clmgr instances heartbeat node10      # one service and its machine
  clmgr services status all db          # the databases, nothing recorded
  clmgr services start node10           # and its machine, if that is off
  clmgr actions list                    # what waits, and for what
  clmgr events list --since 24h
  echo "{level:'services',command:{action:'status'}}" | clmgr`,
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.inTerminal {
				return cmd.Help()
			}
			return runPipe(cmd.Context(), a)
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.checkOutput()
		},
	}
	f := c.PersistentFlags()
	f.StringVarP(&a.config, "config", "c", "", "the configuration `file`; default $CLMGR_CONFIG, ./clmgr.yaml, /etc/clmgr/clmgr.yaml")
	f.StringVarP(&a.output, "output", "o", "", "table, json or yaml; default table on a terminal, else json")
	f.StringVar(&a.store, "store", "", "the `URL` of the store, in place of the configured one")
	f.StringVar(&a.cluster, "cluster", "", "only the cluster of that `name`")
	c.AddCommand(
		newInstancesCommand(a), newServicesCommand(a), newActionsCommand(a), newEventsCommand(a), newWatchCommand(a), newRulesCommand(a),
		newPeersCommand(a), newAlertsCommand(a), newConfigCommand(a),
		newDaemonCommand(a), newSchemaCommand(a), newVersionCommand(a), newLabCommand(),
	)
	c.AddCommand(newHoldCommands(a)...)
	return c
}

// knownCommand is the Args of a command that has only subcommands.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	// The nearest names, by cobra's own measure.
	c.SuggestionsMinimumDistance = max(c.SuggestionsMinimumDistance, 2)
	err := fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return err
}

// load reads the configuration.
func (a *app) load() (*config.Config, error) {
	path, err := config.Find(a.config)
	if err != nil {
		return nil, fail(command.BadConfig, err)
	}
	cfg, err := config.Load(path, manager.Known())
	if err != nil {
		return nil, fail(command.BadConfig, err)
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(a.err, "clmgr: warning:", w)
	}
	if a.store != "" {
		cfg.Store = a.store
	}
	return cfg, nil
}

// manager loads the configuration and makes the manager for it.
func (a *app) manager(ctx context.Context, told manager.Options) (*manager.Manager, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	told.Wrap = a.wrap
	m, err := manager.New(ctx, cfg, told)
	if err != nil {
		return nil, fail(command.BadConfig, err)
	}
	return m, nil
}

// do executes one command given by arguments and prints its answer.
func (a *app) do(ctx context.Context, c command.Command) error {
	p := newProgress(a)
	m, err := a.manager(ctx, manager.Options{Progress: p.tell("looking: %d of %d seen"), Waiting: p.tell(waitingWords(c)), Acted: p.acted(c.Wait)})
	if err != nil {
		return err
	}
	defer m.Close()
	c.Cluster, c.Door = a.cluster, "arguments"
	r := m.Do(ctx, c)
	p.clear()
	if err := a.print(r); err != nil {
		return err
	}
	return a.verdict(r)
}

// verdict turns an answer into the command's error. The reason of a failure is
// told on standard error too, where cron and people look.
func (a *app) verdict(r command.Result) error {
	if r.Reason != "" {
		fmt.Fprintln(a.err, "clmgr:", r.Reason)
	}
	if r.Code == command.OK {
		return nil
	}
	return &outcome{code: r.Code, err: errors.New(r.Code.Text()), said: true}
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
)

// newConfigCommand groups the commands about the configuration file.
func newConfigCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Write, check and show the configuration",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newConfigInitCommand(a), newConfigCheckCommand(a), newConfigShowCommand(a), newConfigTemplateCommand(a))
	return c
}

func newConfigInitCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented sample to start from",
		Long: `Write a commented sample with every key to FILE, by default ./clmgr.yaml; "-" writes
to standard output. A file that is there is never overwritten.`,
		Example: "  clmgr config init\n  clmgr config init - | less",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return runConfigInit(a, arg(args, 0)) },
	}
}

func runConfigInit(a *app, path string) error {
	if path == "-" {
		_, err := a.out.Write(config.Sample())
		return err
	}
	if path == "" {
		path = "clmgr.yaml"
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write %s: it is there already; move it away or name another file", path)
	}
	if err != nil {
		return fmt.Errorf("cannot write sample: %w", err)
	}
	_, err = f.Write(config.Sample())
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write sample: %w", err)
	}
	fmt.Fprintf(a.err, "wrote %s; edit it, then run: clmgr -c %s config check\n", path, path)
	return nil
}

func newConfigCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and list all mistakes at once",
		Long:  "Check the configuration. Every mistake is listed with file, line and column.\n" + exitHelp,
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runConfigCheck(a) },
	}
}

func runConfigCheck(a *app) error {
	cfg, err := a.load()
	var mistakes config.Errors
	if errors.As(err, &mistakes) {
		for _, p := range mistakes {
			fmt.Fprintln(a.err, p)
		}
		return &outcome{code: command.BadConfig, err: err, said: true}
	}
	if err != nil {
		return err
	}
	machines, services := 0, 0
	for _, c := range cfg.Clusters {
		machines += len(c.Instances)
		services += len(c.Services)
	}
	fmt.Fprintf(a.out, "ok: %d clusters, %d instances, %d services\n", len(cfg.Clusters), machines, services)
	return nil
}

func newConfigShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the configuration as it is understood, secrets masked",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			b, err := cfg.Masked()
			if err != nil {
				return err
			}
			_, err = a.out.Write(b)
			return err
		},
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/daemon"
)

// unitPath is where the daemon's unit file is.
const unitPath = "/etc/systemd/system/" + daemon.UnitName

// newDaemonInstallCommand writes and starts the daemon's unit.
func newDaemonInstallCommand(a *app) *cobra.Command {
	var user string
	var dry bool
	c := &cobra.Command{
		Use:   "install",
		Short: "Write the daemon's unit file, and have systemd start it",
		Long: `Write ` + unitPath + ` for this program and this configuration, which is
checked first, then have systemd enable and start it. It returns when the first heartbeat
is over. A unit of that name that clmgr has not written is left alone.

Installed again, it replaces the unit file and restarts the daemon.
` + exitHelp,
		Example: `  clmgr daemon install --dry-run
  clmgr -c /etc/clmgr/clmgr.yaml daemon install
  clmgr daemon install --user clmgr`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			u, err := a.unit(user)
			if err != nil {
				return err
			}
			text, err := u.File()
			if err != nil {
				return fail(command.BadConfig, err)
			}
			if dry {
				_, err := io.WriteString(a.out, text)
				return err
			}
			return a.installUnit(cmd.Context(), u, text)
		},
	}
	c.Flags().StringVar(&user, "user", "", "who runs it; the state folder must be theirs. Default root")
	c.Flags().BoolVar(&dry, "dry-run", false, "print the unit file, and change nothing")
	return c
}

// newDaemonUninstallCommand stops the daemon and removes its unit.
func newDaemonUninstallCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the daemon, and remove its unit file",
		Long: `Have systemd stop and disable the daemon, and remove ` + unitPath + `. The
configuration and what is remembered stay. A unit that clmgr has not written is left alone.
` + exitHelp,
		Example: "  clmgr daemon uninstall",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			present, err := ours()
			if err != nil || !present {
				return err
			}
			if err := systemctl(cmd.Context(), "disable", "--now", daemon.UnitName); err != nil {
				return fail(command.RemoteCommandFailed, err)
			}
			if err := os.Remove(unitPath); err != nil {
				return fail(command.RemoteWriteFailure, fmt.Errorf("cannot remove the unit: %w", err))
			}
			fmt.Fprintln(a.err, "clmgr: the daemon is stopped, and", unitPath, "removed")
			return systemctl(cmd.Context(), "daemon-reload")
		},
	}
}

// unit is the unit of this program and the configuration that it finds.
func (a *app) unit(user string) (daemon.Unit, error) {
	path, err := config.Find(a.config)
	if err != nil {
		return daemon.Unit{}, fail(command.BadConfig, err)
	}
	cfg, err := a.load()
	if err != nil {
		return daemon.Unit{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return daemon.Unit{}, fmt.Errorf("cannot find this program: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return daemon.Unit{}, fmt.Errorf("cannot find the configuration: %w", err)
	}
	u := daemon.UnitFor(cfg.Heartbeat.Deadline, cfg.Daemon.Drain)
	u.Program, u.Config, u.User, u.Writes = program, path, user, []string{cfg.StateDir}
	if folder, is := strings.CutPrefix(cfg.Store, "file:"); is && !strings.HasPrefix(folder, cfg.StateDir+"/") {
		u.Writes = append(u.Writes, folder)
	}
	return u, nil
}

// installUnit writes the unit file and has systemd start the daemon anew.
func (a *app) installUnit(ctx context.Context, u daemon.Unit, text string) error {
	if _, err := ours(); err != nil {
		return err
	}
	if u.User == "" { // another user makes their own; the unit lets nobody make one later
		for _, folder := range u.Writes {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return fail(command.RemoteWriteFailure, fmt.Errorf("cannot make the folder for what is remembered: %w", err))
			}
		}
	}
	temp := unitPath + ".new"
	err := os.WriteFile(temp, []byte(text), 0o644) //nolint:gosec // everybody may read units; no secret is in it
	if err == nil {
		err = os.Rename(temp, unitPath)
	}
	if err != nil {
		return fail(command.RemoteWriteFailure, fmt.Errorf("cannot write the unit: %w", err))
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", daemon.UnitName}, {"restart", daemon.UnitName}} {
		if err := systemctl(ctx, args...); err != nil {
			return fail(command.RemoteCommandFailed, fmt.Errorf("%w; journalctl -u %s may say why", err, daemon.UnitName))
		}
	}
	fmt.Fprintln(a.err, "clmgr: the daemon runs; systemctl status", daemon.UnitName, "tells how it does")
	return nil
}

// ours tells whether there is a unit file; one that is not of this program is an error.
func ours() (bool, error) {
	text, err := os.ReadFile(unitPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fail(command.RemoteManagerFailure, fmt.Errorf("cannot read the unit: %w", err))
	case !strings.HasPrefix(string(text), daemon.UnitMark):
		return false, fail(command.Refused, fmt.Errorf("cannot replace %s: clmgr has not written it; move it away first", unitPath))
	}
	return true, nil
}

func systemctl(ctx context.Context, args ...string) error {
	said, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot %s the daemon: %w: %s", args[0], err, strings.TrimSpace(string(said)))
	}
	return nil
}

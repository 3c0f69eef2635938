package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/daemon"
	"github.com/clmgr/clmgr/pkg/manager"
)

// newDaemonCommand runs clmgr as a service, and has systemd do so.
func newDaemonCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "daemon",
		Short: "Look, tell and act without end, supervised by systemd",
		Long: `Run in the foreground: make a heartbeat every few seconds (daemon.interval), do what of
the queue of delayed actions is due, and have doctor scripts, rules, alerts, peers and the
watchers of logs, metrics, units and resources do theirs, until SIGTERM. What the
configuration has nothing of is left out.

Under systemd (Type=notify) it says READY after the first whole heartbeat, keeps a line
for systemctl status, and answers the watchdog as long as every loop of it turns. SIGHUP
reads the configuration again: a bad one is told, and the one before goes on. SIGTERM and
SIGINT begin nothing more and wait for what is at work (daemon.drain); what is not over
then is handed back to the queue.

While it runs, /healthz and /metrics (Prometheus) are served at daemon.listen. Heartbeats
of cron, or by hand, may go on beside it.
` + exitHelp,
		Example: `  clmgr daemon install --dry-run        # the unit file
  clmgr daemon install                  # written, enabled, started
  systemctl status clmgr
  curl -s http://127.0.0.1:9203/healthz
  clmgr -c clmgr.yaml daemon            # by hand, in the foreground`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDaemon(cmd.Context(), a) },
	}
	c.AddCommand(newDaemonInstallCommand(a), newDaemonUninstallCommand(a))
	return c
}

// runDaemon runs it until the context ends.
func runDaemon(ctx context.Context, a *app) error {
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{ReplaceAttr: untimed}))
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	u := manager.NewUpkeep()
	err := daemon.Run(ctx, daemon.Options{Log: log, Reload: reload, Load: func(ctx context.Context) (*daemon.Set, error) {
		m, err := a.manager(ctx, manager.Options{Acted: func(do, move, reason string) { logActed(log, do, move, reason) }})
		if err != nil {
			return nil, err
		}
		set, err := m.Set(u)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		return set, nil
	}})
	if o := (*outcome)(nil); err != nil && !errors.As(err, &o) {
		return fail(command.RemoteManagerFailure, err)
	}
	return err
}

// untimed leaves the time out where the journal notes it anyway.
func untimed(groups []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey && len(groups) == 0 && os.Getenv("JOURNAL_STREAM") != "" {
		return slog.Attr{}
	}
	return attr
}

func logActed(log *slog.Logger, do, move, reason string) {
	attrs := []any{"action", do, "move", move}
	if reason != "" {
		attrs = append(attrs, "reason", reason)
	}
	log.Info("acted", attrs...)
}

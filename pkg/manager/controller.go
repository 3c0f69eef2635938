package manager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/clmgr/clmgr/pkg/actions/handlers"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/daemon"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

// controllerListen is where a machine's own clmgr serves its metrics: not where a manager
// on the same machine does.
const controllerListen = "127.0.0.1:9204"

// controllerStep has clmgr itself run on the machine of a service.
func (m *Manager) controllerStep(c collect.Cluster, s managedService, host job.Machine) handlers.Provision {
	k, err := m.controllerOf(c, s)
	if err != nil {
		return handlers.Provision{
			Verb: handlers.BootstrapNCC, Part: provision.Unknown{Err: err},
			Do: func(context.Context, job.Job) error { return err },
		}
	}
	return handlers.Provision{Verb: handlers.BootstrapNCC, Part: k, Do: func(ctx context.Context, _ job.Job) error {
		_, err := k.Install(ctx, host)
		return err
	}}
}

// controllerOf is clmgr as it is to run on the machine of a service.
func (m *Manager) controllerOf(c collect.Cluster, s managedService) (provision.Controller, error) {
	machine := c.MachineAt(s.IP).Name
	text, err := m.controllerConfig(machine, s)
	if err != nil {
		return provision.Controller{}, err
	}
	u := daemon.UnitFor(m.cfg.Heartbeat.Deadline, m.cfg.Daemon.Drain)
	u.Program, u.Config, u.Writes = provision.ControllerProgram, provision.ControllerConfig, []string{provision.ControllerState}
	unit, err := u.File()
	if err != nil {
		return provision.Controller{}, err
	}
	return provision.Controller{Machine: machine, Programs: m.programs, Config: text, Unit: unit}, nil
}

// programsOf are the programs that may be copied to machines: this one, and those that the
// configuration names. The sum of each is taken once.
func programsOf(cfg *config.Config) map[string]provision.Program {
	out := map[string]provision.Program{}
	add := func(kind, path string) {
		p := provision.ProgramAt(path)
		p.Sum = sync.OnceValues(p.Sum)
		out[kind] = p
	}
	if self, err := os.Executable(); err == nil {
		add(kindOf(runtime.GOARCH), self)
	}
	if cfg.Daemon.Programs == "" {
		return out
	}
	const prefix = "clmgr-"
	files, _ := filepath.Glob(filepath.Join(cfg.Daemon.Programs, prefix+"*")) // the pattern is never bad: a folder that cannot be read has none
	for _, path := range files {
		add(strings.TrimPrefix(filepath.Base(path), prefix), path)
	}
	return out
}

// kindOf is what uname -m says of machines for which Go calls the architecture so.
func kindOf(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return arch
}

// controllerConfig is the configuration of a machine's own clmgr: the machine, what runs on
// it, and how that is probed. It holds no key, no account of a provider, nothing of other
// machines and no store but its own.
func (m *Manager) controllerConfig(machine string, of managedService) (string, error) {
	var services []yaml.MapSlice
	modes := yaml.MapSlice{}
	for _, s := range m.cfg.Cluster(of.cluster).Services {
		if s.IP != of.IP {
			continue
		}
		services = append(services, controllerService(machine, s))
		if mode := m.cfg.Mode(s.Mode); mode != nil && !has(modes, s.Mode) {
			modes = append(modes, yaml.MapItem{Key: s.Mode, Value: controllerMode(mode)})
		}
	}
	doc := yaml.MapSlice{
		{Key: "manager", Value: machine},
		{Key: "state_dir", Value: provision.ControllerState},
		{Key: "daemon", Value: yaml.MapSlice{{Key: "interval", Value: m.cfg.Daemon.Interval.String()}, {Key: "listen", Value: controllerListen}}},
		{Key: "modes", Value: modes},
		{Key: "clusters", Value: yaml.MapSlice{{Key: of.cluster, Value: yaml.MapSlice{
			{Key: "instances", Value: []yaml.MapSlice{{{Key: "name", Value: machine}, {Key: "ip", Value: of.IP.String()}, {Key: "here", Value: true}}}},
			{Key: "services", Value: services},
		}}}},
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("cannot write the configuration for %s: %w", machine, err)
	}
	return "# Written by clmgr services bootstrap_ncc, which replaces it.\n" + string(text), nil
}

func has(list yaml.MapSlice, key string) bool {
	for _, item := range list {
		if item.Key == key {
			return true
		}
	}
	return false
}

// some lists what is not empty.
func some(pairs ...yaml.MapItem) yaml.MapSlice {
	out := yaml.MapSlice{}
	for _, p := range pairs {
		switch p.Value {
		case "", 0, uint16(0), nil:
		default:
			out = append(out, p)
		}
	}
	return out
}

func controllerService(machine string, s config.Service) yaml.MapSlice {
	out := some(
		yaml.MapItem{Key: "name", Value: s.Name}, yaml.MapItem{Key: "mode", Value: s.Mode}, yaml.MapItem{Key: "instance", Value: machine},
		yaml.MapItem{Key: "port", Value: s.Port}, yaml.MapItem{Key: "role", Value: s.Role}, yaml.MapItem{Key: "unit", Value: s.Unit},
	)
	if s.VIP.IsValid() {
		out = append(out, yaml.MapItem{Key: "vip", Value: s.VIP.String()})
	}
	if s.Type == "db" {
		out = append(out, yaml.MapItem{Key: "database", Value: some(
			yaml.MapItem{Key: "user", Value: s.Database.User}, yaml.MapItem{Key: "password", Value: s.Database.Password.Reveal()},
			yaml.MapItem{Key: "tls", Value: s.Database.TLS},
		)})
	}
	return out
}

func controllerMode(m *config.Mode) yaml.MapSlice {
	out := some(
		yaml.MapItem{Key: "type", Value: m.Type}, yaml.MapItem{Key: "port", Value: m.Port}, yaml.MapItem{Key: "unit", Value: m.Unit},
		yaml.MapItem{Key: "start", Value: m.Start}, yaml.MapItem{Key: "stop", Value: m.Stop}, yaml.MapItem{Key: "restart", Value: m.Restart},
	)
	switch {
	case m.TCP != nil:
		out = append(out, yaml.MapItem{Key: "tcp", Value: some(yaml.MapItem{Key: "send", Value: m.TCP.Send}, yaml.MapItem{Key: "expect", Value: m.TCP.Expect})})
	case m.HTTP != nil:
		h := some(
			yaml.MapItem{Key: "method", Value: m.HTTP.Method}, yaml.MapItem{Key: "path", Value: m.HTTP.Path}, yaml.MapItem{Key: "host", Value: m.HTTP.Host},
			yaml.MapItem{Key: "status", Value: m.HTTP.Status}, yaml.MapItem{Key: "expect", Value: m.HTTP.Expect},
		)
		out = append(out, yaml.MapItem{Key: "http", Value: append(h, yaml.MapItem{Key: "tls", Value: m.HTTP.TLS})})
	case m.Command != nil:
		out = append(out, yaml.MapItem{Key: "command", Value: some(
			yaml.MapItem{Key: "run", Value: m.Command.Run}, yaml.MapItem{Key: "exit", Value: m.Command.Exit}, yaml.MapItem{Key: "expect", Value: m.Command.Expect},
		)})
	}
	return out
}

package manager

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/clmgr/clmgr/pkg/alert"
	"github.com/clmgr/clmgr/pkg/alert/send"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/heartbeat/collect"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/rules"
	"github.com/clmgr/clmgr/pkg/services"
	"github.com/clmgr/clmgr/pkg/store"
)

// Known is what this program has built in, for the configuration's checks.
func Known() config.Known {
	known := config.Known{
		Modes: map[string]config.ModeInfo{}, Drivers: cloud.Drivers(), Kinds: rules.Kinds(), Verbs: rules.Verbs(),
		AlertURL: send.CheckService, WebhookURL: send.CheckWebhook, Template: alert.CheckTemplate,
	}
	for name, m := range services.Modes() {
		known.Modes[name] = config.ModeInfo{Type: m.Type, Port: m.Port, NoPort: m.NoPort, Unit: m.Unit, Packages: m.Packages, Roles: m.Roles, VIP: m.VIP, Stats: m.Stats, Several: m.Several}
	}
	return known
}

// clustersOf turns the configuration's clusters into what can be looked at.
func clustersOf(cfg *config.Config, documents store.Store) ([]collect.Cluster, error) {
	checks, err := checksOf(cfg)
	if err != nil {
		return nil, err
	}
	var out []collect.Cluster
	for _, c := range cfg.Clusters {
		cl := collect.Cluster{Name: c.Name, Cloud: settings(c.Cloud), SSH: sshSettings(c.SSH)}
		for _, i := range c.Instances {
			cl.Machines = append(cl.Machines, collect.Machine{
				Name: i.Name, SSH: remote.Machine{Name: i.Name, IP: i.IP, User: i.SSH.User, Port: i.SSH.Port, Here: i.Here},
			})
		}
		cl.Driver = driverOf(c, documents)
		if consoles, ok := cl.Driver.(cloud.Consoles); ok && c.SSH.HostKey == "console" {
			cl.SSH.Vouch = func(ctx context.Context, m remote.Machine) ([]string, error) { return consoles.HostKeys(ctx, m.Name) }
		}
		for _, s := range c.Services {
			cl.Services = append(cl.Services, collect.Service{
				Target: services.Target{
					Name: s.Name, Mode: s.Mode, Addr: netip.AddrPortFrom(s.IP, s.Port).String(),
					User: s.Database.User, Password: s.Database.Password, TLS: s.Database.TLS, Check: checks[s.Mode],
					Stats: services.Stats(s.Stats), VIP: s.VIP,
				},
				IP: s.IP, Type: s.Type, Configured: s.Role, ViaSSH: s.Via == "ssh", Timeout: s.Timeout, Control: controlOf(cfg, s),
			})
		}
		out = append(out, cl)
	}
	return out, nil
}

// checksOf returns the described modes, ready to probe.
func checksOf(cfg *config.Config) (map[string]*services.Check, error) {
	out := map[string]*services.Check{}
	for _, m := range cfg.Modes {
		if m.TCP == nil && m.HTTP == nil && m.Command == nil {
			continue // of a built-in mode the file only says how it is installed
		}
		check := &services.Check{}
		if m.TCP != nil {
			check.TCP = &services.TCPCheck{Send: m.TCP.Send, Expect: m.TCP.Expect}
		}
		if m.HTTP != nil {
			check.HTTP = &services.HTTPCheck{
				Method: m.HTTP.Method, Path: m.HTTP.Path, Host: m.HTTP.Host, TLS: m.HTTP.TLS,
				Status: m.HTTP.Status, Expect: m.HTTP.Expect,
			}
		}
		if m.Command != nil {
			check.Command = &services.CommandCheck{Run: m.Command.Run, Exit: m.Command.Exit, Expect: m.Command.Expect}
		}
		if err := check.Compile(); err != nil {
			return nil, fmt.Errorf("cannot use mode %s: %w", m.Name, err)
		}
		out[m.Name] = check
	}
	return out, nil
}

// controlOf is how a service is started: by its unit, else by its mode's commands.
func controlOf(cfg *config.Config, s config.Service) services.Control {
	if m := cfg.Mode(s.Mode); m != nil && s.Unit == "" {
		return services.Control{Start: m.Start, Stop: m.Stop, Restart: m.Restart}
	}
	return services.Control{Unit: s.Unit}
}

func sshSettings(s config.SSH) *remote.Settings {
	return &remote.Settings{
		User: s.User, Port: s.Port, Keys: s.Keys, Agent: s.Agent, KnownHosts: s.KnownHosts,
		AcceptNew: s.HostKey == "accept-new", ConfigFile: s.ConfigFile, Bastion: s.Bastion, Timeout: s.Timeout,
	}
}

// settings returns the cloud settings under the seed's names, as they are shown.
func settings(c config.Cloud) map[string]string {
	out := map[string]string{
		"driver": c.Driver, "elastic_ip": c.ElasticIP, "endpoint": c.Endpoint, "ex_vdc": c.ExVDC, "host": c.Host,
		"instance_type": c.InstanceType, "key": c.Key, "password": c.Password.String(), "profile": c.Profile, "public_key": c.PublicKey,
		"region": c.Region, "security_groups": c.SecurityGroups, "status": c.Status, "subnet": c.Subnet,
		"template": c.Template, "user": c.User, "version": c.Version, "vpc": c.VPC, "zone": c.Zone,
	}
	for k, v := range out {
		if v == "" {
			delete(out, k)
		}
	}
	return out
}

// configured is what the configuration names, as if it had been seen: enough to
// tell what is on which machine.
func (m *Manager) configured() heartbeat.Status {
	var out heartbeat.Status
	for _, c := range m.clusters {
		for _, machine := range c.Machines {
			out.Instances = append(out.Instances, heartbeat.Instance{Cluster: c.Name, ID: machine.Name, Name: machine.Name, IP: machine.SSH.IP, Stale: true})
		}
		for _, s := range c.Services {
			out.Services = append(out.Services, heartbeat.Service{Cluster: c.Name, Name: s.Target.Name, IP: s.IP, Stale: true})
		}
	}
	return out
}

package manager

import (
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/provision"
	"github.com/clmgr/clmgr/pkg/services"
)

// Templates are those that clmgr makes configurations of, by mode.
func Templates() map[string]string { return provision.Templates() }

// recipe is how a service is laid out where the configuration says that of its mode.
func (m *Manager) recipe(s managedService) (provision.Recipe, bool) {
	mode := m.cfg.Mode(s.Mode)
	if mode == nil || mode.Recipe == nil {
		return provision.Recipe{}, false
	}
	r := provision.Recipe{
		Name: s.Name, Unit: s.Unit, Reload: mode.Recipe.Reload, Serves: mode.Recipe.Serves, Values: m.values(s),
		Secrets: map[string]any{
			"database":    map[string]any{"user": s.Database.User, "password": s.Database.Password.Reveal()},
			"replication": accountValues(m.cfg.Cluster(s.cluster).Replication, true),
		},
	}
	for _, step := range mode.Recipe.Install {
		r.Steps = append(r.Steps, provision.Step(step))
	}
	for _, f := range mode.Recipe.Files {
		r.Files = append(r.Files, provision.RecipeFile{Path: f.Path, Text: f.Template, Mode: f.Mode, Owner: f.Owner, Check: f.Check})
	}
	return r, true
}

// values are what the templates of a recipe may name. Passwords are in the place of what
// stands for them only where a file keeps them to itself.
func (m *Manager) values(s managedService) map[string]any {
	of := m.cfg.Cluster(s.cluster)
	databases, peers := []any{}, []any{}
	for n := range of.Services {
		v := &of.Services[n]
		if v.Type == services.TypeDB {
			databases = append(databases, serviceValues(v))
		}
		if v.Mode == s.Mode && v.Name != s.Name {
			peers = append(peers, serviceValues(v))
		}
	}
	return map[string]any{
		"service": serviceValues(s.Service), "machine": map[string]any{"name": s.Instance, "ip": s.IP.String()},
		"cluster": map[string]any{"name": s.cluster}, "databases": databases, "peers": peers,
		"health":      map[string]any{"port": int(of.Health.Port), "max_lag": int(of.Health.MaxLag.Seconds())},
		"database":    map[string]any{"user": s.Database.User, "password": provision.NoSecret()},
		"replication": accountValues(of.Replication, false),
	}
}

func serviceValues(s *config.Service) map[string]any {
	return map[string]any{
		"name": s.Name, "mode": s.Mode, "ip": s.IP.String(), "port": int(s.Port), "role": s.Role, "master": s.Role == "master",
		"unit": s.Unit, "mem_pct": s.MemPct, "health": int(s.HealthPort),
	}
}

func accountValues(a config.Replication, revealed bool) map[string]any {
	password := provision.NoSecret()
	if revealed {
		password = a.Password.Reveal()
	}
	return map[string]any{"user": a.User, "password": password}
}

// binaries are the programs that a service needs.
func (m *Manager) binaries(s managedService) provision.Binaries {
	b := provision.Binaries{Packages: s.Packages}
	if r := m.cfg.Repository(s.Repository); r != nil {
		b.Repository = &provision.Repository{
			Name: r.Name, URL: r.URL, Suite: r.Suite, Components: r.Components, Key: r.KeyText, KeyURL: r.KeyURL, KeySHA256: r.KeySHA256,
		}
	}
	if mode := m.cfg.Mode(s.Mode); mode != nil && mode.Archive != nil {
		a := provision.Archive(*mode.Archive)
		b.Archive = &a
	}
	return b
}

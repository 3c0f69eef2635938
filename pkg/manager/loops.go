package manager

import (
	"github.com/clmgr/clmgr/pkg/actions"
	"github.com/clmgr/clmgr/pkg/daemon"
)

// Set is what the daemon runs for this configuration. The Manager is closed when it is
// over.
func (m *Manager) Set(u *Upkeep) (*daemon.Set, error) {
	loops, err := m.loops(u)
	if err != nil {
		return nil, err
	}
	return &daemon.Set{
		Loops: loops, Listen: m.cfg.Daemon.Listen, Status: u.Status, Ready: u.seen, Metrics: u,
		// What drains has that long itself, and then a little to be handed back.
		Drain: m.cfg.Daemon.Drain + 2*grace, Close: m.Close,
	}, nil
}

// loops are all that the configuration has something to do for.
func (m *Manager) loops(u *Upkeep) ([]daemon.Loop, error) {
	feed := newFeed()
	out := []daemon.Loop{m.heartbeatLoop(u, feed), m.queueLoop(feed)}
	if len(m.rules.list) > 0 {
		out = append(out, m.rulesLoop(func([]actions.ID) { feed.again() }))
	}
	if len(m.cfg.Doctor.Scripts) > 0 {
		out = append(out, m.doctorLoop())
	}
	if len(m.cfg.Alerts.Places) > 0 {
		out = append(out, m.alertLoop())
	}
	if m.watchesPeers() {
		out = append(out, daemon.Loop{Name: "peers", Run: m.peers().Run})
	}
	watches, err := m.machineLoops()
	if err != nil {
		return nil, err
	}
	for _, l := range watches {
		out = append(out, daemon.Loop{Name: l.Name(), Run: l.Run})
	}
	return append(out, m.logLoops()...), nil
}

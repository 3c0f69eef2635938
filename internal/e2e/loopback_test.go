package e2e_test

import (
	"net"
	"testing"
)

// door is a port of this host that is open or shut: a service without a machine, for
// tests of what happens around a look.
type door struct {
	t    *testing.T
	port int
	l    net.Listener
}

// newDoor opens a door.
func newDoor(t *testing.T) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d := &door{t: t, port: l.Addr().(*net.TCPAddr).Port, l: l}
	t.Cleanup(func() { d.l.Close() })
	return d
}

func (d *door) shut() { d.l.Close() }

func (d *door) open() {
	d.t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: d.port})
	must(d.t, err)
	d.l = l
}

// doors is the configuration of a cluster of doors.
func doors(list map[string]*door) conf {
	c := &cluster{}
	for name, d := range list {
		c.Services = append(c.Services, service{Name: name, Mode: "gate", IP: "127.0.0.1", Port: d.port})
	}
	return conf{
		Heartbeat: map[string]any{"deadline": "10s", "probe_timeout": "5s"},
		SSH:       map[string]any{"config_file": "none", "agent": false},
		Modes:     map[string]any{"gate": map[string]any{"tcp": map[string]any{}}},
		Clusters:  map[string]*cluster{"demo": c},
	}
}

const (
	shut   = "demo/services/door: running → Database communication failure"
	opened = "demo/services/door: Database communication failure → running"
)

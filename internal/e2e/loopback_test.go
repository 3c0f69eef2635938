package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// door is a port of this host that is open or shut: a service without a machine, for
// tests of what happens around a look. It has a loopback address of its own: while it
// is shut nobody else may take its port.
type door struct {
	t    *testing.T
	ip   string
	port int
	l    net.Listener
}

// newDoor opens a door.
func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, ip: fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), rand.N(255), 1+rand.N(254))}
	d.open()
	d.port = d.l.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { d.l.Close() })
	return d
}

func (d *door) shut() { d.l.Close() }

func (d *door) open() {
	d.t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(d.ip, strconv.Itoa(d.port)))
	must(d.t, err)
	d.l = l
}

// doors is the configuration of a cluster of doors.
func doors(list map[string]*door) conf {
	c := &cluster{}
	for name, d := range list {
		c.Services = append(c.Services, service{Name: name, Mode: "gate", IP: d.ip, Port: d.port})
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

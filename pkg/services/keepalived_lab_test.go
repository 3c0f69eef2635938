package services_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/services"
)

// vrrpConfig is one half of a pair.
const vrrpConfig = `global_defs {
	vrrp_version 3
	enable_script_security
	script_user root
}
vrrp_script healthy {
	script "/usr/bin/test ! -e /run/sick"
	interval 1
	fall 1
	rise 1
}
vrrp_instance V1 {
	interface eth0
	state BACKUP
	virtual_router_id 51
	priority %d
	advert_int 0.2
	unicast_src_ip %s
	unicast_peer {
		%s
	}
	virtual_ipaddress {
		%s/24
	}
	track_script {
		healthy
	}
}
`

// vip is the virtual address of the pair.
func (b *bench) vip() netip.Addr {
	four := b.m1.IP().As4()
	four[3] = 200
	return netip.AddrFrom4(four)
}

// guard is the machine's keepalived.
func (b *bench) guard(m *lab.Machine) services.Target {
	return services.Target{Name: m.Name(), Mode: "keepalived", Addr: at(m, 0), VIP: b.vip()}
}

// stands waits until the machine's keepalived has the code and the role, and holds the
// address or not.
func (b *bench) stands(t *testing.T, m *lab.Machine, code command.Code, role services.Role, holds bool) services.Observation {
	t.Helper()
	what := fmt.Sprintf("%s: %s %s, holds %v", m.Name(), code, role, holds)
	return eventually(t, b.guard(m), b.ssh(m), what, func(seen services.Observation) bool {
		return seen.Code == code && seen.Role == role && seen.HoldsVIP != nil && *seen.HoldsVIP == holds
	})
}

func (b *bench) testKeepalived(t *testing.T) {
	for i, m := range []*lab.Machine{b.m1, b.m2} {
		wantSeen(t, look(t, b.guard(m), b.ssh(m), ample), command.DatabaseCommFailure, "keepalived does not run")
		peer := []*lab.Machine{b.m2, b.m1}[i]
		config := fmt.Sprintf(vrrpConfig, 150-50*i, m.IP(), peer.IP(), b.vip())
		run(t, m, "mkdir -p /etc/keepalived && cat > /etc/keepalived/keepalived.conf && systemctl start keepalived", config)
	}
	t.Run("pair", b.testPair)
	t.Run("plain user", b.testPlainUser)
	t.Run("fault", b.testFault)
	t.Run("split", b.testSplit)
	t.Run("stands still", b.testGuardStandsStill)
	t.Run("killed", b.testGuardKilled)
	t.Run("stopped", b.testGuardsStopped)
	t.Run("no machine", b.testGuardWithoutMachine)
}

func (b *bench) testPair(t *testing.T) {
	master := b.stands(t, b.m1, command.OK, services.Master, true)
	slave := b.stands(t, b.m2, command.OK, services.Slave, false)
	wantSeen(t, master, command.OK, "")
	wantSeen(t, slave, command.OK, "")
	wantFacts(t, master, map[string]any{"vrrp_state[V1]": "MASTER"})
	wantFacts(t, slave, map[string]any{"vrrp_state[V1]": "BACKUP"})

	nameless := b.guard(b.m1)
	nameless.VIP = netip.Addr{}
	seen := look(t, nameless, b.ssh(b.m1), ample)
	if wantSeen(t, seen, command.OK, ""); seen.Role != services.Master || seen.HoldsVIP != nil {
		t.Errorf("without a vip: got %+v", seen)
	}
}

// testPlainUser sees the same without the right to read the journal.
func (b *bench) testPlainUser(t *testing.T) {
	b.user = "clmgr"
	defer func() { b.user = "root" }()
	for _, m := range []*lab.Machine{b.m1, b.m2} {
		seen := b.stands(t, m, command.OK, map[bool]services.Role{true: services.Master, false: services.Slave}[m == b.m1], m == b.m1)
		if wantSeen(t, seen, command.OK, ""); seen.Facts["vrrp_state[V1]"] != nil {
			t.Errorf("the journal is open to everybody: %+v", seen)
		}
	}
}

// testFault lets the check that keepalived tracks fail on the master.
func (b *bench) testFault(t *testing.T) {
	run(t, b.m1, "touch /run/sick", "")
	seen := b.stands(t, b.m1, command.RemoteMonitorFailure, services.Slave, false)
	wantSeen(t, seen, command.RemoteMonitorFailure, "in the FAULT state: V1")
	b.stands(t, b.m2, command.OK, services.Master, true)
	run(t, b.m1, "rm /run/sick", "")
	b.stands(t, b.m1, command.OK, services.Master, true)
	b.stands(t, b.m2, command.OK, services.Slave, false)
}

// testSplit cuts the two from each other: both take the address.
func (b *bench) testSplit(t *testing.T) {
	undo, err := b.lab.Cut(t.Context(), lab.Cut{From: []string{"m1"}, To: []string{"m2"}})
	if err != nil {
		t.Fatal(err)
	}
	b.stands(t, b.m2, command.OK, services.Master, true)
	b.stands(t, b.m1, command.OK, services.Master, true)
	if err := undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.stands(t, b.m2, command.OK, services.Slave, false)
	b.stands(t, b.m1, command.OK, services.Master, true)
}

// testGuardStandsStill stops the master by a signal: it keeps the address, and the
// other takes it too.
func (b *bench) testGuardStandsStill(t *testing.T) {
	run(t, b.m1, "pkill -STOP keepalived", "")
	b.stands(t, b.m2, command.OK, services.Master, true)
	seen := b.stands(t, b.m1, command.RemoteMonitorFailure, services.Master, true)
	wantSeen(t, seen, command.RemoteMonitorFailure, "keepalived stands still")
	run(t, b.m1, "pkill -CONT keepalived", "")
	b.stands(t, b.m2, command.OK, services.Slave, false)
	b.stands(t, b.m1, command.OK, services.Master, true)
}

// testGuardKilled kills the master, which leaves its address behind.
func (b *bench) testGuardKilled(t *testing.T) {
	// Stopped first, and killed by who would else tell the rest to end: none can tidy up.
	run(t, b.m1, "pkill -STOP keepalived; systemctl kill --signal=KILL keepalived", "")
	b.stands(t, b.m2, command.OK, services.Master, true)
	seen := b.stands(t, b.m1, command.DatabaseCommFailure, services.Unknown, true)
	wantSeen(t, seen, command.DatabaseCommFailure, "keepalived does not run, yet the machine holds "+b.vip().String())
	run(t, b.m1, "systemctl restart keepalived", "")
	b.stands(t, b.m1, command.OK, services.Master, true)
	b.stands(t, b.m2, command.OK, services.Slave, false)
}

func (b *bench) testGuardsStopped(t *testing.T) {
	run(t, b.m1, "systemctl stop keepalived", "")
	b.stands(t, b.m2, command.OK, services.Master, true)
	run(t, b.m2, "systemctl stop keepalived", "")
	for _, m := range []*lab.Machine{b.m1, b.m2} {
		seen := b.stands(t, m, command.DatabaseCommFailure, services.Unknown, false)
		wantSeen(t, seen, command.DatabaseCommFailure, "keepalived does not run")
		if seen.Silent {
			t.Error("the machine answered")
		}
	}
}

func (b *bench) testGuardWithoutMachine(t *testing.T) {
	if err := b.m1.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := look(t, b.guard(b.m1), b.ssh(b.m1), time.Second)
	if seen.Code != command.RemoteCommFailure || !seen.Silent || seen.HoldsVIP != nil || seen.Role != services.Unknown {
		t.Errorf("got %+v", seen)
	}
}

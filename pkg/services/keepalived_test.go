package services_test

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/services"
)

// runs reaches a machine on which every command leaves this.
func runs(stdout, stderr string, exit int) services.Reach {
	return services.Reach{Run: func(context.Context, string, io.Reader) (remote.Output, error) {
		return remote.Output{Stdout: []byte(stdout), Stderr: []byte(stderr), Exit: exit}, nil
	}}
}

const (
	twoProcesses = "process 48 (keepalived) S 1 48 48 0 -1\nprocess 49 (keepalived) S 48 48 48 0 -1\n"
	ownAddresses = "address 1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n" +
		"address 2: eth0    inet 10.0.0.11/24 scope global eth0\\       valid_lft forever\n"
	theVIP = "address 2: eth0    inet 10.0.0.100/24 scope global secondary eth0\\       valid_lft forever\n"
	whole  = "addresses\n"
)

// guardOf is a keepalived with the virtual address.
func guardOf(vip string) services.Target {
	return services.Target{Name: "lb", Mode: "keepalived", Addr: "10.0.0.11:0", VIP: netip.MustParseAddr(vip)}
}

func TestKeepalivedFindings(t *testing.T) {
	const fault, unwell = command.RemoteMonitorFailure, command.DatabaseCommFailure
	yes, no := true, false
	for name, c := range map[string]struct {
		output string
		code   command.Code
		reason string
		role   services.Role
		holds  *bool
	}{
		"master":           {twoProcesses + ownAddresses + theVIP + whole, command.OK, "", services.Master, &yes},
		"backup":           {twoProcesses + ownAddresses + whole, command.OK, "", services.Slave, &no},
		"a longer address": {twoProcesses + "address 2: eth0    inet 10.0.0.10/24 scope global\n" + whole, command.OK, "", services.Slave, &no},
		"point to point":   {twoProcesses + "address 2: t0    inet 10.0.0.100 peer 10.0.0.9/32 scope global t0\n" + whole, command.OK, "", services.Master, &yes},
		"refused address":  {twoProcesses + "address 2: e    inet 10.0.0.100/24 scope global dadfailed tentative\n" + whole, command.OK, "", services.Slave, &no},
		"fault":            {twoProcesses + ownAddresses + whole + "log (V1) Entering MASTER STATE\nlog (V1) Entering FAULT STATE\n", fault, "in the FAULT state: V1", services.Slave, &no},
		"fault is over":    {twoProcesses + theVIP + whole + "log (V1) Entering FAULT STATE\nlog (V1) Entering BACKUP STATE\n", command.OK, "", services.Master, &yes},
		"two in fault":     {twoProcesses + whole + "log (b) Entering FAULT STATE\nlog (a) Entering FAULT STATE (init)\n", fault, "in the FAULT state: a, b", services.Slave, &no},
		"older words":      {twoProcesses + whole + "log VRRP_Instance(V1) Entering FAULT STATE\n", fault, "in the FAULT state: V1", services.Slave, &no},
		"other words":      {twoProcesses + whole + "log (V1 Entering FAULT STATE\nlog Entering FAULT STATE\nlog (V1) Entering FAULTY STATE\n", command.OK, "", services.Slave, &no},
		"stopped":          {"process 48 (keepalived) S 1\nprocess 49 (keepalived) T 48\n" + theVIP + whole, fault, "keepalived stands still", services.Master, &yes},
		"a zombie":         {"process 48 (keepalived) Z 1\n" + whole, unwell, "keepalived does not run", services.Unknown, &no},
		"none":             {ownAddresses + whole, unwell, "keepalived does not run", services.Unknown, &no},
		"left behind":      {theVIP + whole, unwell, "keepalived does not run, yet the machine holds 10.0.0.100", services.Unknown, &yes},
		"by its log":       {twoProcesses + "log (V1) Entering MASTER STATE\n", command.OK, "the machine's addresses are not visible: sh: ip: not found", services.Master, nil},
		"backup by log":    {twoProcesses + "log (V1) Entering BACKUP STATE\n", command.OK, "addresses are not visible", services.Slave, nil},
		"nothing told":     {twoProcesses, command.OK, "addresses are not visible", services.Unknown, nil},
		"part of them":     {twoProcesses + theVIP, command.OK, "addresses are not visible", services.Unknown, nil},
	} {
		seen := look(t, guardOf("10.0.0.100"), runs(c.output+"end\n", "sh: ip: not found\n", 0), ample)
		wantSeen(t, seen, c.code, c.reason)
		same := (seen.HoldsVIP == nil) == (c.holds == nil) && (c.holds == nil || *c.holds == *seen.HoldsVIP)
		if seen.Role != c.role || !same || seen.Silent {
			t.Errorf("%s: got %+v", name, seen)
		}
	}
}

func TestKeepalivedIPv6(t *testing.T) {
	words := twoProcesses + "address 2: eth0    inet6 fd00::100/64 scope global \\       valid_lft forever\n" + whole + "end\n"
	if seen := look(t, guardOf("fd00:0::0100"), runs(words, "", 0), ample); seen.HoldsVIP == nil || !*seen.HoldsVIP {
		t.Errorf("got %+v", seen)
	}
}

func TestHostileMachineOfKeepalived(t *testing.T) {
	for output, reason := range map[string]string{
		"":                                "cannot look at keepalived: exit code 0",
		twoProcesses + whole:              "cannot look at keepalived: exit code 0: addresses",
		"end\nmore":                       "cannot look at keepalived: exit code 0: more",
		"This account is disabled.\n":     "This account is disabled.",
		strings.Repeat("log (", 1<<20):    "cannot look at keepalived",
		strings.Repeat("\x00\xff\n", 1e5): "cannot look at keepalived",
	} {
		seen := look(t, guardOf("10.0.0.100"), runs(output, "", 0), ample)
		if wantSeen(t, seen, command.RemoteCommandFailed, reason); seen.HoldsVIP != nil {
			t.Errorf("got %+v", seen)
		}
	}
	seen := look(t, guardOf("10.0.0.100"), runs("end\n", "sh: syntax error\n", 2), ample)
	wantSeen(t, seen, command.RemoteCommandFailed, "cannot look at keepalived: exit code 2: sh: syntax error")
}

func FuzzKeepalivedOutput(f *testing.F) {
	f.Add(twoProcesses + ownAddresses + theVIP + whole + "log (V1) Entering MASTER STATE\nend\n")
	f.Add("process 1 (keepalived) \naddress 1: e inet /\naddress 2: e inet6 ::ffff:10.0.0.100/96\naddresses\nlog () Entering FAULT STATE\nend")
	f.Fuzz(func(t *testing.T, words string) {
		seen := look(t, guardOf("10.0.0.100"), runs(words, "", 0), 10*time.Second)
		switch seen.Code {
		case command.OK, command.RemoteMonitorFailure, command.DatabaseCommFailure, command.RemoteCommandFailed:
		default:
			t.Errorf("got %+v", seen)
		}
		if seen.HoldsVIP != nil && *seen.HoldsVIP && !strings.Contains(words, "10.0.0.100") && !strings.Contains(strings.ToLower(words), "a00:64") {
			t.Errorf("made up the address: %+v", seen)
		}
	})
}

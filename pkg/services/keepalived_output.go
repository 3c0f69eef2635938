package services

import (
	"net/netip"
	"slices"
	"strings"
)

// vrrpLimit is how many VRRP instances are told of: their numbers end at 255.
const vrrpLimit = 256

// keepalivedFound is what was found on a machine.
type keepalivedFound struct {
	running   int          // processes, stopped ones included
	stopped   int          // of them, those that a signal or a debugger has stopped
	addresses []netip.Addr // of the machine
	told      bool         // the addresses are all there
	// states are the last ones logged, MASTER, BACKUP or FAULT, by VRRP instance.
	states map[string]string
}

// parseKeepalived reads the answer to keepalivedQuestion. whole tells whether the
// script came to its end. What it does not know is passed over.
func parseKeepalived(text string) (found keepalivedFound, whole bool) {
	found.states = make(map[string]string)
	for line := range strings.Lines(text) {
		what, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		whole = what == "end"
		switch what {
		case "process":
			found.process(rest)
		case "address":
			found.address(rest)
		case "addresses":
			found.told = true
		case "log":
			found.log(rest)
		}
	}
	return found, whole
}

// process reads a line of /proc/PID/stat: "48 (keepalived) S 1 …". One that has ended
// and waits for its parent (Z, X) does not run.
func (f *keepalivedFound) process(line string) {
	_, rest, ok := strings.Cut(line, " (keepalived) ")
	state, _, _ := strings.Cut(rest, " ")
	if !ok || state == "Z" || state == "X" || state == "x" {
		return
	}
	f.running++
	if state == "T" || state == "t" {
		f.stopped++
	}
}

// address reads a line of `ip -o addr`: "2: eth0    inet 10.0.0.1/24 scope …". An
// address that the network has refused (dadfailed) is not one that the machine has.
func (f *keepalivedFound) address(line string) {
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[2] != "inet" && fields[2] != "inet6" || slices.Contains(fields, "dadfailed") {
		return
	}
	text, _, _ := strings.Cut(fields[3], "/")
	if ip, err := netip.ParseAddr(text); err == nil {
		f.addresses = append(f.addresses, ip.Unmap())
	}
}

// log reads a line of the journal: "(V1) Entering MASTER STATE", with "VRRP_Instance"
// before it in versions before 2. The last one of an instance counts.
func (f *keepalivedFound) log(line string) {
	line = strings.TrimPrefix(line, "VRRP_Instance")
	name, state, ok := strings.Cut(line, ") Entering ")
	if !ok || !strings.HasPrefix(name, "(") {
		return
	}
	state, _, _ = strings.Cut(state, " ")
	if _, known := f.states[name[1:]]; !known && len(f.states) >= vrrpLimit {
		return
	}
	switch state {
	case "MASTER", "BACKUP", "FAULT":
		f.states[name[1:]] = state
	}
}

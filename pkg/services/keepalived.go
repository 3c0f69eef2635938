package services

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/command"
)

// keepalivedDriver probes keepalived over SSH, without changing anything on the
// machine: its processes, the machine's addresses, and what it last wrote to the
// journal about its states, where that can be read. Its own dumps of state (SIGUSR1,
// SIGJSON) are left alone: they write files, need root, and a signal to a process that
// has just ended could kill the next one of that number.
func keepalivedDriver() driver {
	return driver{info: ModeInfo{Type: "lb", NoPort: true, Roles: true, VIP: true, Unit: "keepalived", Packages: []string{"keepalived"}}, probe: probeKeepalived}
}

// keepalivedQuestion prints a line for each process of keepalived and each address, and
// the last lines of the processes' journal. It runs in any POSIX shell.
const keepalivedQuestion = `PATH=$PATH:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
pids=
for f in /proc/[0-9]*/stat; do
	{ read -r line <"$f"; } 2>/dev/null || continue
	case $line in *' (keepalived) '*)
		echo "process $line"
		pids="$pids _PID=${line%% *}"
	esac
done
if all=$(ip -o addr show); then
	echo "$all" | sed 's/^/address /'
	echo addresses
fi
if [ -n "$pids" ]; then
	journalctl -b -q -o cat --no-pager -n 200 $pids 2>/dev/null | sed 's/^/log /'
fi
echo end
`

func probeKeepalived(ctx context.Context, a attempt) Observation {
	out, err := a.reach.Run(ctx, "sh", strings.NewReader(keepalivedQuestion))
	if err != nil {
		return a.noResult(ctx, err)
	}
	found, whole := parseKeepalived(string(out.Stdout))
	if out.Exit != 0 || !whole {
		return a.failed(command.RemoteCommandFailed, fmt.Sprintf("cannot look at keepalived: exit code %d%s",
			out.Exit, lastWords(out.Stderr, out.Stdout)))
	}
	seen := a.keepalivedJudge(found)
	if a.VIP.IsValid() && !found.told {
		seen.Reason = strings.TrimPrefix(seen.Reason+"; the machine's addresses are not visible"+lastWords(out.Stderr), "; ")
	}
	return seen
}

// keepalivedJudge makes the observation of what was found on the machine. A machine
// that has the address holds it, whoever left it there: a keepalived that was killed
// does not take it along.
func (a attempt) keepalivedJudge(found keepalivedFound) Observation {
	seen := Observation{Code: command.OK, Facts: found.facts()}
	if a.VIP.IsValid() && found.told {
		holds := slices.Contains(found.addresses, a.VIP)
		seen.HoldsVIP = &holds
	}
	switch faulty := found.in("FAULT"); {
	case found.running == 0:
		seen.Code, seen.Reason = command.DatabaseCommFailure, "keepalived does not run"
		if seen.HoldsVIP != nil && *seen.HoldsVIP {
			seen.Reason += ", yet the machine holds " + a.VIP.String()
		}
		return seen
	case found.stopped > 0:
		seen.Code, seen.Reason = command.RemoteMonitorFailure, "keepalived stands still: a signal has stopped it"
	case len(faulty) > 0:
		seen.Code, seen.Reason = command.RemoteMonitorFailure, "in the FAULT state: "+strings.Join(faulty, ", ")
	}
	seen.Role = found.role(seen.HoldsVIP)
	return seen
}

// role is that of who holds the address; where that is not known, what the log says.
func (f keepalivedFound) role(holds *bool) Role {
	switch {
	case holds != nil && *holds, holds == nil && len(f.in("MASTER")) > 0:
		return Master
	case holds != nil || len(f.in("BACKUP")) > 0:
		return Slave
	}
	return Unknown
}

// in returns the VRRP instances that are in the state, sorted.
func (f keepalivedFound) in(state string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f.states)) {
		if f.states[name] == state {
			names = append(names, name)
		}
	}
	return names
}

// facts are the facts of keepalived.
func (f keepalivedFound) facts() map[string]any {
	facts := map[string]any{"processes": int64(f.running)}
	for name, state := range f.states {
		facts["vrrp_state["+name+"]"] = state
	}
	return facts
}

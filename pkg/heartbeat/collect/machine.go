package collect

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/remote"
)

// lookAtMachine tries SSH on one machine and lays it over what its provider tells.
func (c *Collector) lookAtMachine(ctx context.Context, r Request, m cloud.Instance) heartbeat.Instance {
	i := heartbeat.Instance{Cluster: r.Cluster.Name, ID: m.ID, Name: m.Name, IP: m.IP, Provider: m.State, At: time.Now()}
	switch {
	case m.Stale:
		return stale(i, m)
	case m.Declared, m.State == cloud.StateAbsent, m.State == cloud.StateTerminated:
		i.State, i.Sight = m.State, heartbeat.Told
		if m.Declared {
			i.Provider = ""
		}
		return i
	}
	host := c.pool.Host(r.Cluster.SSH, r.Cluster.MachineAt(m.IP).SSH)
	err := try(ctx, host, m.State)
	i.At = time.Now()
	if err != nil && over(ctx) {
		i.Sight, i.Reason = heartbeat.Blind, lateReason
		return i
	}
	i.State, i.Sight, i.Reason = reach(err)
	i.SSH = stage(err)
	if err == nil && r.Facts {
		i.Facts = machineFacts(ctx, host)
	}
	return judge(m, i)
}

// try logs in to a machine whose provider says it is in that state.
func try(ctx context.Context, host *remote.Host, state string) error {
	if state != "" && state != cloud.StateRunning {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shortTry)
		defer cancel()
	}
	return host.Check(ctx)
}

// reach says what an attempt to log in tells of the machine.
func reach(err error) (state string, sight heartbeat.Sight, reason string) {
	var e *remote.Error
	switch {
	case err == nil:
		return heartbeat.Running, heartbeat.Seen, ""
	case !errors.As(err, &e):
		return heartbeat.Pending, heartbeat.Seen, err.Error()
	case e.Silent():
		return heartbeat.Unreachable, heartbeat.Silent, e.Err.Error()
	case e.Stage == remote.StageRefused:
		return heartbeat.Unreachable, heartbeat.Seen, "the host answers, but nothing listens on its SSH port: " + e.Err.Error()
	}
	return heartbeat.Pending, heartbeat.Seen, e.Err.Error()
}

func stage(err error) string {
	var e *remote.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return string(e.Stage)
	}
	return "failed"
}

// factsCommand prints, one a line: load averages, uptime, memory, the root disk.
const factsCommand = "cat /proc/loadavg /proc/uptime; grep -E '^(MemTotal|MemAvailable):' /proc/meminfo; df -P -k / | tail -n 1"

// machineFacts asks a machine how it is. What it does not tell is left out.
func machineFacts(ctx context.Context, host *remote.Host) map[string]any {
	out, err := host.Run(ctx, factsCommand, nil)
	if err != nil {
		return nil
	}
	return parseFacts(out.Stdout)
}

// parseFacts reads the answer to factsCommand: load_1m, uptime_seconds,
// mem_total_mib, mem_available_mib, disk_root_used_percent.
func parseFacts(b []byte) map[string]any {
	facts := map[string]any{}
	for n, line := range bytes.Split(b, []byte("\n")) {
		f := strings.Fields(string(line))
		switch {
		case len(f) == 0:
		case n == 0:
			number(facts, "load_1m", f[0], 1)
		case n == 1:
			number(facts, "uptime_seconds", f[0], 1)
		case f[0] == "MemTotal:" && len(f) > 1:
			number(facts, "mem_total_mib", f[1], 1024)
		case f[0] == "MemAvailable:" && len(f) > 1:
			number(facts, "mem_available_mib", f[1], 1024)
		case len(f) == 6:
			number(facts, "disk_root_used_percent", strings.TrimSuffix(f[4], "%"), 1)
		}
	}
	return facts
}

// number stores text, divided, under name; a whole number except for the load.
func number(facts map[string]any, name, text string, by float64) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return
	}
	if name == "load_1m" {
		facts[name] = v
		return
	}
	facts[name] = int64(v / by)
}

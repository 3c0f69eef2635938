package provision

import (
	_ "embed" // for the unit that answers
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Health is what answers balancers beside a database: over HTTP, GET /write tells whether
// it takes writes, and GET /read whether its rows are fresh enough to be read. 200 is yes,
// 503 no, and 404 that it should get no new clients: it is about to stop, or too far behind.
type Health struct {
	Addr   netip.AddrPort
	MaxLag time.Duration // in whole seconds
}

const (
	healthUser    = "clmgr-health"
	healthProgram = "/usr/local/lib/clmgr/health"
	// healthUnits are the files of all answerers of a machine.
	healthUnits = "/etc/systemd/system/clmgr-health*.service"
	// aloneAtHealth is alone, among those who write the program that answerers share.
	aloneAtHealth = `exec 9>/run/clmgr-health.lock
flock -w 60 9 || { echo "another step is at work on this machine" >&2; exit 8; }
`
)

// healthService is the file of the answerer's unit.
func (p place) healthService() string { return "/etc/systemd/system/" + p.healthUnit() + ".service" }

// drainEnd is what ends a drain where the unit has no other drop-in.
func (p place) drainEnd() (path, text string) {
	if p.instance != "" {
		return "", ""
	}
	return "/etc/systemd/system/" + packageUnit + ".service.d/clmgr-drain.conf", "# Written by clmgr.\n[Service]\nExecStartPost=+/bin/rm -f " + p.drain() + "\n"
}

//go:embed health.pl
var healthText string

// files are the program, its unit, and what ends a drain.
func (h Health) files(p place) []file {
	at := ""
	if p.instance != "" {
		at = " --socket=" + p.socket()
	}
	out := []file{{healthProgram, "0755", healthText}, {p.healthService(), "0644", fmt.Sprintf(`# Written by clmgr; clmgr services install writes it again.
[Unit]
Description=Answers balancers whether the database takes writes and reads
After=network-online.target %s.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User=%s
ExecStart=%s %s %d %d %s%s
Restart=always
RestartSec=1s
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
`, p.unit(), healthUser, healthProgram, h.Addr.Addr(), h.Addr.Port(), int(h.MaxLag.Seconds()), p.drain(), at)}}
	if path, text := p.drainEnd(); path != "" {
		out = append(out, file{path, "0644", text})
	}
	return out
}

// account is what it logs in with, by its user on the machine and no password.
func (h Health) account() Account {
	return Account{User: healthUser, Socket: true, Privileges: []string{MonitorPrivilege}}
}

// seen tells whether all of it is there and runs; what nobody wants is as wanted.
func (h *Health) seen(r reply, p place) bool {
	if h == nil {
		return true
	}
	for _, f := range h.files(p) {
		if r.sums[f.path] != sum(f.text) {
			return false
		}
	}
	return r.units[p.healthUnit()] == unitSeen{active: true, enabled: true}
}

func (h Health) paths(p place) []string {
	var out []string
	for _, f := range h.files(p) {
		out = append(out, f.path)
	}
	return out
}

// script puts it in place and has it run.
func (h Health) script(p place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "set -eu\numask 022\n%sif ! getent passwd %s >/dev/null; then useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin %[2]s; fi\n", aloneAtHealth, healthUser)
	for _, f := range h.files(p) {
		b.WriteString(f.script())
	}
	fmt.Fprintf(&b, "systemctl daemon-reload\nsystemctl is-enabled --quiet %s || systemctl enable --quiet %[1]s\nsystemctl restart %[1]s\n", p.healthUnit())
	return b.String()
}

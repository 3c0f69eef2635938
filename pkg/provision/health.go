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
	healthUnit    = "clmgr-health"
	healthUser    = "clmgr-health"
	healthProgram = "/usr/local/lib/clmgr/health"
	healthService = "/etc/systemd/system/" + healthUnit + ".service"
	// drainFlag is a file that has it answer 404, until the database is started again.
	drainFlag = "/run/clmgr-drain"
	drainEnd  = "/etc/systemd/system/" + mariadbUnit + ".service.d/clmgr-drain.conf"
)

//go:embed health.pl
var healthText string

// files are the program, its unit, and what ends a drain.
func (h Health) files() []file {
	return []file{{healthProgram, "0755", healthText}, {healthService, "0644", fmt.Sprintf(`# Written by clmgr; clmgr services install writes it again.
[Unit]
Description=Answers balancers whether the database takes writes and reads
After=network-online.target mariadb.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User=%s
ExecStart=%s %s %d %d %s
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
`, healthUser, healthProgram, h.Addr.Addr(), h.Addr.Port(), int(h.MaxLag.Seconds()), drainFlag)}, {drainEnd, "0644", "# Written by clmgr.\n[Service]\nExecStartPost=+/bin/rm -f " + drainFlag + "\n"}}
}

// account is what it logs in with, by its user on the machine and no password.
func (h Health) account() Account {
	return Account{User: healthUser, Socket: true, Privileges: []string{MonitorPrivilege}}
}

// healthSeen is what is there of it.
type healthSeen struct {
	sum  string
	runs bool
}

func (s healthSeen) as(h Health) bool { return s.runs && s.sum == h.sum() }

// lookScript prints what is there of it.
func (h Health) lookScript() string {
	return fmt.Sprintf("echo health $(cat %s 2>/dev/null | sha256sum)\necho healthy $(systemctl show -p UnitFileState -p ActiveState %s)\n", strings.Join(h.paths(), " "), healthUnit)
}

func (h Health) paths() []string {
	var out []string
	for _, f := range h.files() {
		out = append(out, f.path)
	}
	return out
}

// sum is that of all its files.
func (h Health) sum() string {
	all := ""
	for _, f := range h.files() {
		all += f.text
	}
	return sum(all)
}

// script puts it in place and has it run.
func (h Health) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "set -eu\numask 022\n%sif ! getent passwd %s >/dev/null; then useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin %[2]s; fi\n", alone, healthUser)
	for _, f := range h.files() {
		b.WriteString(f.script())
	}
	fmt.Fprintf(&b, "systemctl daemon-reload\nsystemctl enable --quiet %s\nsystemctl restart %[1]s\n", healthUnit)
	return b.String()
}

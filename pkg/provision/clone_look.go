package provision

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// software is what of a MariaDB is installed on a machine.
type software struct {
	version, pack string // of the server, and of its package
	tool          bool   // there is a mariadb-backup
}

// read reads one line of what versionScript prints.
func (s *software) read(word, rest string) {
	switch word {
	case "version":
		s.version = rest
	case "package":
		s.pack = rest
	case "tool":
		s.tool = true
	}
}

// hereSeen is how a replica's machine was found.
type hereSeen struct {
	software
	ours       bool
	databases  []string // of users
	free, left int64    // KiB, and what of an earlier try goes first
	receives   bool     // the unit runs
	waits      bool     // and no data have come yet
	cut        bool     // a swap was cut short
	cloned     cloned
}

// thereSeen is how a donor was found.
type thereSeen struct {
	software
	running bool
	size    int64 // KiB
}

// cloned is what a copy says of itself, in a file among the data.
type cloned struct{ unit, donor, position string }

// The parts of a clone on the replica's machine.
const (
	clonedMark = mariadbData + "/clmgr-cloned"
	clonePart  = mariadbData + "/.clmgr-clone" // what comes
	cloneOld   = mariadbData + "/.clmgr-old"   // what was there, until the new data serve
	cloneRun   = "/run/clmgr-clone"            // a folder for each unit; nothing secret is on a disk
)

// versionScript tells which server is installed.
const versionScript = `if command -v mariadbd >/dev/null; then echo version $(mariadbd --version | sed -n 's/.* Ver \([0-9.]*\).*/\1/p'); fi
if command -v mariadb-backup >/dev/null; then echo tool yes; fi
echo package $(dpkg-query -W -f '${Version}' mariadb-server 2>/dev/null)
`

func (c Clone) lookHere(ctx context.Context, unit string) (hereSeen, error) {
	out, err := placeOf(c.Unit).run(ctx, c.Machine, versionScript+`unit=`+quote(unit)+`
echo unit $(systemctl show -p ActiveState --value "$unit.service")
echo phase $(cat `+cloneRun+`/"$unit"/phase 2>/dev/null)
if [ -e `+mariadbMark+` ]; then echo ours yes; fi
if [ -e `+cloneOld+` ]; then echo cut yes; fi
for d in `+mariadbData+`/*/ `+cloneOld+`/*/; do case ${d%/} in */mysql|*/sys|*/performance_schema|*/test|*/clmgr|*/lost+found|*/'#'*|*/'*') ;; *) echo database "$(basename "$d")";; esac; done
if [ -e `+clonedMark+` ]; then sed 's/^/cloned /' `+clonedMark+`; fi
if [ -e `+clonePart+` ]; then echo left $(du -sk `+clonePart+` | cut -f1); fi
echo free $(df -k --output=avail `+mariadbData+` | tail -n 1)
`, nil)
	if err != nil {
		return hereSeen{}, err
	}
	return parseHere(out)
}

func parseHere(out string) (hereSeen, error) {
	var s hereSeen
	var err error
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.read(word, rest)
		switch word {
		case "unit":
			s.receives = rest == "activating" || rest == "deactivating"
		case "phase":
			s.waits = rest == "waiting"
		case "ours":
			s.ours = true
		case "cut":
			s.cut = true
		case "database":
			s.databases = append(s.databases, rest)
		case "free":
			s.free, err = strconv.ParseInt(rest, 10, 64)
		case "left":
			s.left, _ = strconv.ParseInt(rest, 10, 64)
		case "cloned":
			s.cloned.read(rest)
		}
	}
	if err != nil {
		return hereSeen{}, fmt.Errorf("the machine does not tell its free space: %w", err)
	}
	return s, nil
}

// read reads one line of the mark.
func (c *cloned) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "unit":
		c.unit = rest
	case "donor":
		c.donor = rest
	case "position":
		c.position = rest
	}
}

// lookThere counts what a copy would bring: everything but the logs of replication.
func (c Clone) lookThere(ctx context.Context) (thereSeen, error) {
	out, err := placeOf(c.Donor.Unit).run(ctx, c.Donor.Machine, versionScript+`if ! systemctl is-active --quiet `+mariadbUnit+`; then exit 0; fi
ask() { echo "SELECT $1" | `+client+`; }
data=$(ask @@datadir) && logs=$(ask @@log_bin_basename) && relays=$(ask @@relay_log_basename) || exit 1
echo running yes
find "$data" -type f ! -path "$logs.*" ! -path "$relays.*" -printf '%b\n' 2>/dev/null | awk '{s += $1} END {printf "size %d\n", s / 2}'
`, nil)
	if err != nil {
		return thereSeen{}, &NotYet{fmt.Sprintf("%s cannot be asked: %v", c.Donor.Name, err)}
	}
	return parseThere(out)
}

func parseThere(out string) (thereSeen, error) {
	var s thereSeen
	var err error
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.read(word, rest)
		switch word {
		case "running":
			s.running = true
		case "size":
			s.size, err = strconv.ParseInt(rest, 10, 64)
		}
	}
	if err != nil {
		return thereSeen{}, fmt.Errorf("the donor does not tell the size of its data: %w", err)
	}
	return s, nil
}

// sends tells whether the donor's unit runs.
func (c Clone) sends(ctx context.Context, unit string) (bool, error) {
	out, err := run(ctx, c.Donor.Machine, "systemctl show -p ActiveState --value "+quote(unit+".service"), nil)
	return strings.TrimSpace(out) == "activating", err
}

// alike tells whether files of the one server suit the other: of the same major version.
func (s thereSeen) alike(here hereSeen) bool { return major(s.version) == major(here.version) }

// major is 10.11 of 10.11.6.
func major(version string) [2]int {
	var out [2]int
	for n, part := range strings.SplitN(version, ".", 3) {
		if n < len(out) {
			out[n], _ = strconv.Atoi(part)
		}
	}
	return out
}

// newer tells whether version a is of a later major version than b.
func newer(a, b string) bool {
	x, y := major(a), major(b)
	return x[0] > y[0] || x[0] == y[0] && x[1] > y[1]
}

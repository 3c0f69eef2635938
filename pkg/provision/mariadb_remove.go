package provision

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Follower is a database that may follow another one.
type Follower struct {
	Name    string
	Addr    netip.Addr
	Unit    string
	Machine job.Machine
}

// Doomed is a MariaDB that is to be removed. It must not be while others follow it.
type Doomed struct {
	MariaDB
	Addr   netip.AddrPort
	Others []Follower // all that might
}

// mariadbFiles are all files that clmgr writes for a database alone.
func (p place) mariadbFiles() []string {
	out := []string{mariadbConf, p.healthService()}
	for _, path := range []func() (string, string){p.dropIn, p.drainEnd} {
		if f, _ := path(); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// lastHealth runs a command where no other answerer is on the machine.
func (p place) lastHealth(command string) string {
	return "if ! ls " + healthUnits + " 2>/dev/null | grep -qvxF " + p.healthService() + "; then\n" + command + "fi\n"
}

// doomedScript prints what there is, and who reads the binary log.
func (p place) doomedScript() string {
	return unitLook(mariadbUnit) + ourFiles(p.mariadbFiles(), "echo file $f") +
		p.lastHealth(ourFiles([]string{healthProgram}, "echo file $f")+"if getent passwd "+healthUser+" >/dev/null; then echo user "+healthUser+"; fi\n") + ofLook + `if [ -e ` + mariadbMark + ` ]; then echo ours; fi
for d in ` + mariadbData + `/*/ ` + cloneOld + `/*/; do case ${d%/} in */mysql|*/sys|*/performance_schema|*/clmgr|*/lost+found|*/'#'*|*/'*') ;; *) echo database "$(basename "$d")";; esac; done
if systemctl is-active --quiet ` + mariadbUnit + `; then ` + client + ` <<'SQL'
SELECT DISTINCT CONCAT('reader ', HOST) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%';
SQL
fi
`
}

// followerScript prints whom a server follows, a host and a port a line: as it says, or as
// its files do where it does not run. Those hold a password too.
const followerScript = `if systemctl is-active --quiet ` + mariadbUnit + `; then
	mariadb --no-defaults ` + mariadbAt + ` --user=root --vertical --execute 'SHOW ALL SLAVES STATUS' | awk '$1 == "Master_Host:" {host = $2} $1 == "Master_Port:" {print "follows", host, $2}'
else
	for f in ` + mariadbData + `/master.info ` + mariadbData + `/master-*.info; do if [ -s "$f" ]; then echo follows $(sed -n '4p;7p' "$f"); fi; done
fi
`

// Removal says what removing it takes. An *Unwilling says why it must not be: the data are
// somebody's, or others follow it.
func (d Doomed) Removal(ctx context.Context, m job.Machine) (Removal, error) {
	r, err := d.removal(ctx, m)
	if err != nil {
		return r, fmt.Errorf("cannot remove %s: %w", d.Name, err)
	}
	return r, nil
}

func (d Doomed) removal(ctx context.Context, m job.Machine) (Removal, error) {
	if err := d.check(); err != nil {
		return Removal{}, err
	}
	out, err := d.place().run(ctx, m, d.place().doomedScript(), nil)
	if err != nil {
		return Removal{}, err
	}
	r := parseRemoval(d.Unit, out)
	if hasLine(out, "ours") {
		r.Data = d.place().data()
	} else if len(r.Databases) > 0 {
		return r, &Unwilling{fmt.Sprintf("%s holds data that clmgr has not made (%s)", d.place().data(), strings.Join(r.Databases, ", "))}
	}
	for line := range strings.Lines(out) {
		if of, is := strings.CutPrefix(strings.TrimSpace(line), "of "); is && d.mine(of) != nil {
			return r, d.mine(of)
		}
	}
	answers, err := d.ask(ctx)
	if err != nil {
		return r, err
	}
	if names := following(d.Addr, d.Others, answers, readers(out)); len(names) > 0 {
		return r, &Unwilling{"it is followed by " + strings.Join(names, ", ") + ", which must be removed or follow another one first"}
	}
	return r, nil
}

func hasLine(text, want string) bool {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == want {
			return true
		}
	}
	return false
}

// readers are who reads the binary log, by their addresses.
func readers(out string) []string {
	var hosts []string
	for line := range strings.Lines(out) {
		if at, is := strings.CutPrefix(strings.TrimSpace(line), "reader "); is {
			hosts = append(hosts, at[:max(strings.LastIndex(at, ":"), 0)])
		}
	}
	return hosts
}

// ask has the others say whom they follow, side by side.
func (d Doomed) ask(ctx context.Context) ([]string, error) {
	answers, failures := make([]string, len(d.Others)), make([]error, len(d.Others))
	var all sync.WaitGroup
	for n, o := range d.Others {
		all.Go(func() { answers[n], failures[n] = placeOf(o.Unit).run(ctx, o.Machine, followerScript, nil) })
	}
	all.Wait()
	for n, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("cannot see whether %s follows it, which the configuration still names: %w", d.Others[n].Name, err)
		}
	}
	return answers, nil
}

// following names who follows the database at addr: by what the others answer, and by who
// reads its binary log. A reader that says that it follows nobody has just left.
func following(addr netip.AddrPort, others []Follower, answers, readers []string) []string {
	var out []string
	known := map[string]bool{}
	for n, o := range others {
		follows := hasLine(answers[n], fmt.Sprintf("follows %s %d", addr.Addr(), addr.Port()))
		reads := slices.Contains(readers, o.Addr.String()) && strings.Contains(answers[n], "follows ")
		if known[o.Addr.String()] = true; follows || reads {
			out = append(out, o.Name)
		}
	}
	for _, r := range readers {
		if !known[r] && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// unmake is the script that takes a database off its machine. Of the data what says that
// they are some goes first, and what says whose they are last: one that was cut short is
// run again, and no server starts with a part of them.
func (p place) unmake() string {
	folders := "/etc/systemd/system/" + p.unit() + ".service.d $(dirname " + healthProgram + ")"
	if p.instance != "" {
		folders += " " + p.fenceDir() + " $(dirname " + mariadbConf + ")"
	}
	return `set -eu
` + aloneHere + endUnit(mariadbUnit) + endUnit(p.healthUnit()) + ourFiles(p.mariadbFiles(), "rm -f $f") +
		p.lastHealth(ourFiles([]string{healthProgram}, "rm -f $f")+"if getent passwd "+healthUser+" >/dev/null; then userdel "+healthUser+"; fi\n") +
		`rm -f ` + mariadbOld + ` ` + mariadbOld + `.part ` + mariadbConf + `.clmgr-new ` + drainFlag + `
rmdir ` + folders + ` 2>/dev/null || true
systemctl daemon-reload
data=` + mariadbData + ` mark=` + mariadbMark + `
if [ -e $mark ]; then
	rm -rf $data/mysql
	sync -f $data
	find $data/ -mindepth 1 -maxdepth 1 ! -path "$mark" ! -name lost+found ! -name 'debian-*.flag' -exec rm -rf {} +
	sync -f $data
	rm -f $mark
fi
` + p.ownData()
}

// ownData takes away a data directory that no package brings.
func (p place) ownData() string {
	if p.instance == "" {
		return ""
	}
	return "rmdir $data 2>/dev/null || true\n"
}

// Remove takes it off the machine, with its data.
func (d Doomed) Remove(ctx context.Context, m job.Machine) error {
	seen, err := d.Removal(ctx, m)
	if err != nil || len(seen.Lines()) == 0 {
		return err
	}
	if _, err := d.place().run(ctx, m, d.place().unmake(), nil); err != nil {
		return fmt.Errorf("cannot remove %s: %w", d.Name, err)
	}
	return removed(d.Removal(ctx, m))
}

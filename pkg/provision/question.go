package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// question is what is asked of a machine about one thing. What several ask for is asked
// for once: starting a program costs a machine more than what the program does.
type question struct {
	packages []string // whether they are installed, and in which version
	units    []string // how they are; names without ".service"
	files    []string // their sums, of those that exist
	modes    []string // files whose permissions are told too
	// script prints anything. It may ask "active UNIT" about the units, and must not exit.
	script string
	// sql is asked of the MariaDB at a place where it runs, in its client's batch mode with
	// names of columns. Who has some gets what all have asked for there.
	sql string
	at  place
}

// reply is what the machine said to a question.
type reply struct {
	packages  []string // "name=version", those that are installed
	units     map[string]unitSeen
	sums      map[string]string
	modes     map[string]string // in octal
	out, rows string            // what the script and the statements printed
	err       error             // the machine did not say
}

// unitSeen is how a unit was found.
type unitSeen struct{ active, enabled bool }

// The parts of the answer, in this order: what may hang comes last, and takes nothing from
// what was said before. Scripts are named by their number.
const (
	section         = "== "
	packagesSection = "packages"
	filesSection    = "files"
	modesSection    = "modes"
	unitsSection    = "units"
	sqlSection      = "sql"    // of each database, see place.section
	statusSection   = "status" // of the part before it
	endSection      = "end"
)

// askScript is the command that asks all of the questions.
func askScript(list []question) string {
	all := together(list)
	var b strings.Builder
	begin := func(name string) { fmt.Fprintf(&b, "echo %q\n", section+name) }
	status := func() { fmt.Fprintf(&b, "echo %q $?\n", section+statusSection) }
	if len(all.packages) > 0 {
		begin(packagesSection)
		b.WriteString(packagesScript(all.packages))
		status()
	}
	if len(all.files) > 0 {
		begin(filesSection)
		fmt.Fprintf(&b, "sha256sum %s 2>/dev/null\n", strings.Join(all.files, " "))
	}
	if len(all.modes) > 0 {
		begin(modesSection)
		fmt.Fprintf(&b, "stat -c '%%a %%n' %s 2>/dev/null\n", strings.Join(all.modes, " "))
	}
	if len(all.units) > 0 {
		begin(unitsSection)
		fmt.Fprintf(&b, unitsScript, strings.Join(all.units, " "))
	}
	for n, q := range list {
		begin(strconv.Itoa(n))
		b.WriteString(q.script)
	}
	dbs := databases(list)
	for n, db := range dbs {
		begin(db.at.section())
		bound := ""
		if n < len(dbs)-1 {
			bound = fmt.Sprintf("timeout %d ", int(sqlPatience.Seconds()))
		}
		fmt.Fprintf(&b, "%s{ if active %s; then %s%s <<'SQL'\n%sSQL\nfi; } 2>&1\n", db.at.names(), mariadbUnit, bound, namingClient, db.sql)
		status()
	}
	begin(endSection)
	return b.String()
}

// sqlPatience is how long a database may take to answer where another one is asked after it.
const sqlPatience = 3 * time.Second

// timedOut is what timeout says then.
const timedOut = 124

func (p place) section() string { return p.or(sqlSection, sqlSection+"@%s") }

// databases are those that somebody asks, each with all that is asked of it.
func databases(list []question) []question {
	var out []question
	for _, q := range list {
		n := slices.IndexFunc(out, func(db question) bool { return db.at == q.at })
		switch {
		case q.sql == "":
		case n < 0:
			out = append(out, question{at: q.at, sql: q.sql})
		case !strings.Contains(out[n].sql, q.sql):
			out[n].sql += q.sql
		}
	}
	return out
}

// unitsScript prints how units are, and makes a function that knows which are active.
const unitsScript = `units=$(systemctl show -p Id -p UnitFileState -p ActiveState %s)
running=
while IFS== read -r key value; do
	case $key in
	Id) unit=${value%%.service};;
	ActiveState) if [ "$value" = active ]; then running="$running $unit "; fi;;
	esac
	echo "$key=$value"
done <<UNITS
$units
UNITS
active() { case $running in *" $1 "*) return 0;; esac; return 1; }
`

// together is all that the questions ask of the machine itself, each thing once.
func together(list []question) question {
	var all question
	add := func(to *[]string, what []string) {
		for _, s := range what {
			if !slices.Contains(*to, s) {
				*to = append(*to, s)
			}
		}
	}
	for _, q := range list {
		add(&all.packages, q.packages)
		add(&all.units, q.units)
		add(&all.files, q.files)
		add(&all.modes, q.modes)
		if q.sql != "" {
			add(&all.units, []string{q.at.unit()})
		}
	}
	return all
}

// ask asks a machine all of the questions at once.
func ask(ctx context.Context, m job.Machine, list ...question) []reply {
	if len(list) == 0 {
		return nil
	}
	out, err := m.Run(ctx, askScript(list), nil)
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("exit status %d: %s", out.Exit, lastWords(string(out.Stderr)))
	}
	return replies(list, string(out.Stdout), err)
}

// answer is what the machine said, part by part.
type answer struct {
	text   map[string]string
	status map[string]int
	over   map[string]bool // whether all of a part has come
}

// replies is pure: from what the machine printed, and why it may have stopped, to what it
// says to each question.
func replies(list []question, out string, stopped error) []reply {
	a := parseAnswer(list, out)
	if stopped == nil {
		stopped = errors.New("the machine did not say all")
	}
	common := reply{units: parseUnits(a.text[unitsSection]), sums: map[string]string{}, modes: map[string]string{}}
	for line := range strings.Lines(a.text[filesSection]) {
		sum, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
		common.sums[path] = sum
	}
	for line := range strings.Lines(a.text[modesSection]) {
		mode, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		common.modes[path] = mode
	}
	for line := range strings.Lines(a.text[packagesSection]) {
		if entry, is := strings.CutPrefix(strings.TrimSpace(line), "installed "); is {
			common.packages = append(common.packages, entry)
		}
	}
	all := make([]reply, len(list))
	for n, q := range list {
		own := strconv.Itoa(n)
		all[n] = common
		all[n].out, all[n].rows = a.text[own], a.text[q.at.section()]
		needs := []string{own}
		if len(q.packages) > 0 {
			needs = append(needs, packagesSection)
		}
		if q.sql != "" {
			needs = append(needs, q.at.section())
		}
		for _, part := range needs {
			switch status := a.status[part]; {
			case !a.over[part]:
				all[n].err = stopped
			case status == timedOut:
				all[n].err = fmt.Errorf("%s has not answered in %v", q.at.unit(), sqlPatience)
			case status != 0:
				all[n].err = fmt.Errorf("exit status %d: %s", status, lastWords(a.text[part]))
			}
		}
	}
	return all
}

// parseAnswer takes the answer apart. Parts come in their order only, so that no text in
// one is taken for the beginning of an earlier one.
func parseAnswer(list []question, out string) answer {
	order := []string{packagesSection, filesSection, modesSection, unitsSection}
	for n := range list {
		order = append(order, strconv.Itoa(n))
	}
	var told []string // those with a status
	for _, db := range databases(list) {
		told = append(told, db.at.section())
	}
	order = append(append(order, told...), endSection)
	told = append(told, packagesSection)
	a := answer{map[string]string{}, map[string]int{}, map[string]bool{}}
	current, last := "", -1
	for line := range strings.Lines(out) {
		name, is := strings.CutPrefix(line, section)
		name, value, _ := strings.Cut(strings.TrimSpace(name), " ")
		if at := slices.Index(order, name); is && value == "" && at > last {
			a.over[current] = true
			current, last = name, at
			continue
		}
		if status, err := strconv.Atoi(value); is && slices.Contains(told, current) && name == statusSection && err == nil {
			a.status[current] = status
			continue
		}
		a.text[current] += line
	}
	return a
}

// parseUnits reads what systemctl show prints.
func parseUnits(out string) map[string]unitSeen {
	units := map[string]unitSeen{}
	name := ""
	var now unitSeen
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "Id":
			name, now = strings.TrimSuffix(value, ".service"), unitSeen{}
		case "ActiveState":
			now.active = value == "active"
		case "UnitFileState":
			now.enabled = value == "enabled"
		}
		units[name] = now
	}
	return units
}

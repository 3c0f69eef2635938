package provision

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of the answer to a script, in this order: what may hang comes last, and takes
// nothing from what was said before. Scripts of questions are named by their number.
const (
	section         = "== "
	packagesSection = "packages"
	filesSection    = "files"
	modesSection    = "modes"
	unitsSection    = "units"
	toldSection     = "told@"  // and the unit
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
	for _, t := range tellers(list) {
		begin(t.section())
		fmt.Fprintf(&b, "if active %s; then %s; echo; fi\n", t.unit, t.script)
	}
	dbs := databases(list)
	for n, db := range dbs {
		begin(db.at.section())
		bound := ""
		if n < len(dbs)-1 {
			bound = fmt.Sprintf("timeout %d ", int(sqlPatience.Seconds()))
		}
		fmt.Fprintf(&b, "%s{ if active %s; then %s%s <<'SQL'\n%sSQL\nfi; } 2>&1\n", db.at.names(), mariadbUnit, bound, namingClient, clientText(db.sql))
		status()
	}
	begin(endSection)
	return b.String()
}

// sqlPatience is how long a database may take to answer a script where another one is asked
// after it.
const sqlPatience = 3 * time.Second

// timedOut is what timeout says then.
const timedOut = 124

func (p place) section() string { return p.or(sqlSection, sqlSection+"@%s") }

func (t told) section() string { return toldSection + t.unit }

// tellers are the programs that somebody asks, each once.
func tellers(list []question) []told {
	var out []told
	for _, q := range list {
		if q.told != nil {
			out = united(out, []told{*q.told})
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

// answer is what the machine said, part by part.
type answer struct {
	text   map[string]string
	over   map[string]bool  // whether all of a part has come
	failed map[string]error // why a part is not to be had
	units  map[string]unitSeen
}

func newAnswer() answer {
	return answer{map[string]string{}, map[string]bool{}, map[string]error{}, map[string]unitSeen{}}
}

// replies is pure: from what the machine answered, and why it may have stopped, to what it
// says to each question.
func replies(list []question, a answer, stopped error) []reply {
	if stopped == nil {
		stopped = errors.New("the machine did not say all")
	}
	common := reply{units: a.units, sums: map[string]string{}, modes: map[string]string{}}
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
		if q.told != nil {
			needs, all[n].told = append(needs, q.told.section()), strings.TrimSpace(a.text[q.told.section()])
		}
		if len(q.sql) > 0 {
			needs = append(needs, q.at.section())
		}
		for _, part := range needs {
			if err := a.failed[part]; err != nil {
				all[n].err = err
			} else if !a.over[part] {
				all[n].err = stopped
			}
		}
	}
	return all
}

// parseAnswer takes what a script printed apart. Parts come in their order only, so that no
// text in one is taken for the beginning of an earlier one.
func parseAnswer(list []question, out string) answer {
	order := []string{packagesSection, filesSection, modesSection, unitsSection}
	for n := range list {
		order = append(order, strconv.Itoa(n))
	}
	for _, t := range tellers(list) {
		order = append(order, t.section())
	}
	units := map[string]string{packagesSection: ""} // of the parts with a status
	for _, db := range databases(list) {
		order = append(order, db.at.section())
		units[db.at.section()] = db.at.unit()
	}
	order = append(order, endSection)
	a := newAnswer()
	current, last := "", -1
	for line := range strings.Lines(out) {
		name, is := strings.CutPrefix(line, section)
		name, value, _ := strings.Cut(strings.TrimSpace(name), " ")
		if at := slices.Index(order, name); is && value == "" && at > last {
			a.over[current] = true
			current, last = name, at
			continue
		}
		unit, told := units[current]
		if status, err := strconv.Atoi(value); is && told && name == statusSection && err == nil {
			a.failed[current] = statusError(status, unit, a.text[current])
			continue
		}
		a.text[current] += line
	}
	a.units = parseUnits(a.text[unitsSection])
	return a
}

// statusError is what the status of a part says, which it ended with after this text.
func statusError(status int, unit, text string) error {
	switch status {
	case 0:
		return nil
	case timedOut:
		return fmt.Errorf("%s has not answered in %v", unit, sqlPatience)
	}
	return fmt.Errorf("exit status %d: %s", status, lastWords(text))
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

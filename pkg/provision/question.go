package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// question is what is asked of a machine about one thing. What several ask for is asked
// for once: starting a program costs a machine more than what the program does.
type question struct {
	packages []string // whether they are installed, and in which version
	units    []string // how they are; names without ".service"
	files    []string // their sums, of those that exist
	modes    []string // files whose permissions are told too
	script   string   // prints anything, and must not exit
	told     *told
	// sql is asked of the MariaDB at a place where it runs. Who has some gets what all have
	// asked for there.
	sql []statement
	at  place
}

// told is what a program tells of itself while its unit is active.
type told struct {
	unit            string
	socket, request string // where and what it is asked
	begin           string // of the line that tells it, in the first word after that
	script          string // asks it the same by a program of the machine, and prints that word
}

// statement is one of SQL.
type statement struct {
	text string
	// named has its rows printed a column a line, each with its name.
	named bool
}

// clientText is statements as MariaDB's client reads them.
func clientText(list []statement) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(s.text)
		if s.named {
			b.WriteString("\\G\n")
		} else {
			b.WriteString(";\n")
		}
	}
	return b.String()
}

// reply is what the machine said to a question.
type reply struct {
	packages  []string // "name=version", those that are installed
	units     map[string]unitSeen
	sums      map[string]string
	modes     map[string]string // in octal
	told      string
	out, rows string // what the script and the statements printed
	err       error  // the machine did not say
}

// unitSeen is how a unit was found.
type unitSeen struct{ active, enabled bool }

// ask asks a machine all of the questions at once.
func ask(ctx context.Context, m job.Machine, list ...question) []reply {
	if len(list) == 0 {
		return nil
	}
	a, stopped, asked := askBySockets(ctx, m, list)
	if !asked {
		a, stopped = askByScript(ctx, m, list)
	}
	return replies(list, a, stopped)
}

// askByScript asks by one script. What it answers is told as far as it has come, and why
// it has ended before.
func askByScript(ctx context.Context, m job.Machine, list []question) (a answer, stopped error) {
	out, err := m.Run(ctx, askScript(list), nil)
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("exit status %d: %s", out.Exit, lastWords(string(out.Stderr)))
	}
	return parseAnswer(list, string(out.Stdout)), err
}

// databases are those that somebody asks, each with all that is asked of it.
func databases(list []question) []question {
	var out []question
	for _, q := range list {
		if len(q.sql) == 0 {
			continue
		}
		n := slices.IndexFunc(out, func(db question) bool { return db.at == q.at })
		if n < 0 {
			n, out = len(out), append(out, question{at: q.at})
		}
		out[n].sql = united(out[n].sql, q.sql)
	}
	return out
}

// together is all that the questions ask of the machine itself, each thing once.
func together(list []question) question {
	var all question
	for _, q := range list {
		all.packages = united(all.packages, q.packages)
		all.units = united(all.units, q.units)
		all.files = united(all.files, q.files)
		all.modes = united(all.modes, q.modes)
		if len(q.sql) > 0 {
			all.units = united(all.units, []string{q.at.unit()})
		}
		if q.told != nil {
			all.units = united(all.units, []string{q.told.unit})
		}
	}
	return all
}

// united is the list with what it does not have yet of more.
func united[T comparable](list, more []T) []T {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Adoption is how a MariaDB that somebody else has made differs from what clmgr lays out.
type Adoption struct {
	// Ours says that it is clmgr's already.
	Ours     bool
	Settings []Setting // that would change in the server that runs
	Others   []string  // what else differs
	seen     mariadbSeen
	logs     logNames
}

// Setting is one of the server's that differs.
type Setting struct {
	Name, Is, Wanted string
	// Dynamic says that a server which runs takes it.
	Dynamic bool
}

// Lines says it, a line each.
func (a Adoption) Lines() []string {
	var out []string
	for _, s := range a.Settings {
		wanted := s.Wanted
		if s.Is == "ON" || s.Is == "OFF" {
			wanted = onOff(wanted)
		}
		line := fmt.Sprintf("%s is %s, and becomes %s", s.Name, s.Is, wanted)
		if !s.Dynamic {
			line += ", by a restart"
		}
		out = append(out, line)
	}
	return append(out, a.Others...)
}

// Restart names the settings that need one.
func (a Adoption) Restart() []string {
	var out []string
	for _, s := range a.Settings {
		if !s.Dynamic {
			out = append(out, s.Name)
		}
	}
	return out
}

// logNames are where an adopted server keeps the logs of its replication, which it would
// forget under other names; empty for those of conf.
type logNames struct{ binary, relay string }

// The configuration's own names, which those of an adopted server take the place of.
const (
	ownBinary = "log_bin = mariadb-bin\n"
	ownRelay  = "relay_log = mariadb-relay-bin\n"
)

// confOf is the configuration for a server that was seen so.
func (d MariaDB) confOf(s mariadbSeen) string {
	text := d.conf(s.memory)
	if s.logs.binary != "" {
		text = strings.Replace(text, ownBinary, "log_bin = "+s.logs.binary+"\n", 1)
	}
	if s.logs.relay != "" {
		text = strings.Replace(text, ownRelay, "relay_log = "+s.logs.relay+"\n", 1)
	}
	return text
}

// adoptedLook prints what the mark says of a server that was adopted.
const adoptedLook = `if [ -e ` + mariadbMark + ` ]; then while read -r word rest; do case $word in adopted|log_bin|relay_log) echo "$word $rest";; esac; done <` + mariadbMark + `; fi
`

// readMark reads one line of that.
func (s *mariadbSeen) readMark(word, rest string) {
	switch word {
	case "adopted":
		s.adopted = true
	case "log_bin":
		s.logs.binary = rest
	case "relay_log":
		s.logs.relay = rest
	}
}

// adoptedMark is what the mark says then.
func adoptedMark(l logNames) string {
	text := "Made by somebody else, and adopted by clmgr, which may change what is here.\nadopted yes\n"
	if l.binary != "" {
		text += "log_bin " + l.binary + "\n"
	}
	if l.relay != "" {
		text += "relay_log " + l.relay + "\n"
	}
	return text
}

// variablesScript prints the settings of a server that runs, whom it follows, and what is
// set by files that it reads after ours.
const variablesScript = client + ` --execute 'SHOW GLOBAL VARIABLES' | sed 's/^/variable\t/'
` + followerScript + `ours=$(basename ` + mariadbConf + `)
for f in $(dirname ` + mariadbConf + `)/*.cnf; do
	if [ "$(basename "$f")" \> "$ours" ]; then sed -n "s|^[[:space:]]*\([A-Za-z_-][A-Za-z_-]*\)[[:space:]]*\(=.*\)\{0,1\}$|later $f \1|p" "$f"; fi
done
`

// Adoption says what would change. An *Unwilling says why it cannot be adopted.
func (d MariaDB) Adoption(ctx context.Context, m job.Machine) (Adoption, error) {
	a, err := d.adoption(ctx, m)
	if err != nil {
		return a, fmt.Errorf("cannot adopt %s: %w", d.Name, err)
	}
	return a, nil
}

func (d MariaDB) adoption(ctx context.Context, m job.Machine) (Adoption, error) {
	seen, err := d.look(ctx, m)
	switch {
	case err != nil:
		return Adoption{}, err
	case seen.ours:
		return Adoption{Ours: true, Others: seen.lacks(d), seen: seen, logs: seen.logs}, nil
	case d.place().instance != "":
		return Adoption{}, &Unwilling{"only a database of the unit mariadb can be adopted: where another one keeps its data and its settings clmgr cannot know"}
	case !seen.program || !seen.data:
		return Adoption{}, &Unwilling{"there is no database to adopt: services start lays one out"}
	case !seen.active:
		return Adoption{}, &Unwilling{"the unit " + d.Unit + " does not run, and only a server that does can be adopted"}
	}
	out, err := d.place().run(ctx, m, variablesScript, nil)
	if err != nil {
		return Adoption{}, err
	}
	variables, follows := parseVariables(out)
	a := d.compare(seen, variables)
	if file, name := overridden(d.confOf(a.seen), out); file != "" {
		return Adoption{}, &Unwilling{fmt.Sprintf("%s is read after %s, and sets %s too: rename it, so that it is read before", file, d.place().conf(), name)}
	}
	if dir := strings.TrimSuffix(variables["datadir"], "/"); dir != d.place().data() {
		return Adoption{}, &Unwilling{fmt.Sprintf("its data are in %s, and clmgr can manage %s only", dir, d.place().data())}
	}
	if follows != "" && !d.Replica {
		return Adoption{}, &Unwilling{fmt.Sprintf("it follows %s, and its configuration does not say role: slave", follows)}
	}
	return a, nil
}

// overridden finds a setting of ours that a later file of the machine's sets too, by what
// variablesScript prints.
func overridden(conf, out string) (file, name string) {
	plain := func(s string) string {
		s = strings.ReplaceAll(strings.ToLower(s), "-", "_")
		for _, prefix := range []string{"loose_", "skip_", "disable_", "enable_"} {
			s = strings.TrimPrefix(s, prefix)
		}
		return s
	}
	ours := map[string]bool{}
	for line := range strings.Lines(conf) {
		if name, _, is := strings.Cut(line, " = "); is {
			ours[plain(name)] = true
		}
	}
	for line := range strings.Lines(out) {
		rest, is := strings.CutPrefix(strings.TrimSpace(line), "later ")
		if at := strings.LastIndex(rest, " "); is && at > 0 && ours[plain(rest[at+1:])] {
			return rest[:at], rest[at+1:]
		}
	}
	return "", ""
}

// parseVariables reads what variablesScript prints.
func parseVariables(out string) (variables map[string]string, follows string) {
	variables = map[string]string{}
	for line := range strings.Lines(out) {
		words := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
		if len(words) == 3 && words[0] == "variable" {
			variables[words[1]] = words[2]
		}
		if whom, is := strings.CutPrefix(words[0], "follows "); is {
			follows = strings.Replace(whom, " ", ":", 1)
		}
	}
	return variables, follows
}

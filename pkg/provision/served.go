package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// served is a service that is one configuration file and the unit that reads it.
type served struct {
	name, unit, path string
	// facts is a line of a shell that prints "facts" and what the file depends on; empty
	// for nothing.
	facts string
	// check fails where the program does not understand the file $new.
	check string
	// running tells, where the unit runs, what configuration it has, as loaded names it;
	// both are nil where nobody can tell.
	running *told
	loaded  func(text string) string
	// take has a unit that runs take the file; it fails where it does not.
	take string
	// extra are further files, which are put in place first.
	extra []file
	// render makes the file from the facts.
	render func(facts string) (string, error)
}

// file is one that everybody may read.
type file struct {
	path, mode, text string
}

// servedSeen is how a machine's service is configured.
type servedSeen struct {
	text    string // that should be in the file
	missing []string
}

// old is what the configuration was, empty where there was none. It is there from before a
// change until the unit has taken it.
func (s served) old() string { return s.path + ".clmgr-old" }

func (s served) what() string { return "the configuration of " + s.name }

func (s served) question() (question, error) {
	q := question{units: []string{s.unit}, files: s.paths(), told: s.running, script: fmt.Sprintf("%s\nif [ -e %s ]; then echo pending; fi\n", s.facts, s.old())}
	for _, f := range s.extra {
		q.modes = append(q.modes, f.path)
	}
	return q, nil
}

// read is what the machine's reply tells.
func (s served) read(r reply) (seen servedSeen, err error) {
	words := map[string]string{}
	for line := range strings.Lines(r.out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words[word] = rest
	}
	if seen.text, err = s.render(words["facts"]); err != nil {
		return servedSeen{}, err
	}
	add := func(wrong bool, text string) {
		if wrong {
			seen.missing = append(seen.missing, text)
		}
	}
	add(r.sums[s.path] != sum(seen.text), s.path+" is not as configured")
	_, pending := words["pending"]
	add(pending, "a change of "+s.path+" was cut short")
	for _, f := range s.extra {
		add(r.sums[f.path] != sum(f.text) || r.modes[f.path] != strings.TrimPrefix(f.mode, "0"), f.path+" is not as configured")
	}
	add(!r.units[s.unit].enabled, "the unit "+s.unit+" is not started at boot")
	if r.units[s.unit].active && s.loaded != nil {
		add(r.told != s.loaded(seen.text), "the "+s.unit+" that runs has another configuration")
	}
	return seen, nil
}

func (s served) missing(r reply) (string, error) {
	seen, err := s.read(r)
	return strings.Join(seen.missing, "; "), err
}

func (s served) look(ctx context.Context, m job.Machine) (servedSeen, error) {
	r, err := askOne(ctx, m, s)
	if err != nil {
		return servedSeen{}, err
	}
	return s.read(r)
}

// install writes the files where they differ, has the unit started at boot, and a unit
// that runs take them. What it does not take is taken back.
func (s served) install(ctx context.Context, m job.Machine) (changed bool, err error) {
	if changed, err = s.settle(ctx, m); err != nil {
		return false, fmt.Errorf("cannot install %s: %w", s.name, err)
	}
	return changed, nil
}

func (s served) settle(ctx context.Context, m job.Machine) (bool, error) {
	seen, err := s.look(ctx, m)
	if err != nil || len(seen.missing) == 0 {
		return false, err
	}
	if _, err := run(ctx, m, s.script(seen.text), strings.NewReader(seen.text)); err != nil {
		return false, err
	}
	if seen, err = s.look(ctx, m); err != nil {
		return false, fmt.Errorf("done, but not seen: %w", err)
	}
	if len(seen.missing) > 0 {
		return false, errors.New("done, and still: " + strings.Join(seen.missing, "; "))
	}
	return true, nil
}

// script brings what comes on standard input to where it should be. Whoever opens a file
// finds the old or the new one, whole.
func (s served) script(text string) string {
	check := s.check
	if check == "" {
		check = "true"
	}
	running := "true"
	if s.running != nil {
		running = s.running.script
	}
	want := ""
	if s.loaded != nil {
		want = s.loaded(text)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "set -eu\numask 022\n%spath=%s old=%s unit=%s want=%s\n", alone, s.path, s.old(), s.unit, want)
	b.WriteString("new=$path.clmgr-new\ntrap 'rm -f \"$new\"' EXIT\ncat >\"$new\"\nchmod 644 \"$new\"\n")
	for _, f := range s.extra {
		b.WriteString(f.script())
	}
	fmt.Fprintf(&b, `said=$(%s 2>&1) || { echo "$unit refuses the configuration: $said" >&2; exit 3; }
if ! cmp -s "$new" $path; then
	if ! [ -e $old ]; then
		if [ -e $path ]; then cp -p $path $old.part; else : >$old.part; fi
		sync $old.part
		mv -f $old.part $old
	fi
	sync "$new"
	mv -f "$new" $path
fi
systemctl is-enabled --quiet $unit || systemctl enable --quiet $unit
running() { %s; }
take() { %s; }
if systemctl is-active --quiet $unit && ! take; then
	why=$(journalctl -q --no-pager -o cat -n 8 -u $unit || true)
	if [ -s $old ]; then
		mv -f $old $path
		want=$(running) # whatever the old one is called
		if take; then echo "the old configuration serves again" >&2; fi
	fi
	echo "$unit does not take the configuration: $why" >&2
	exit 4
fi
rm -f $old
`, check, running, s.take)
	return b.String()
}

// script puts the file in place.
func (f file) script() string {
	return fmt.Sprintf("mkdir -p $(dirname %[1]s)\ncat >%[1]s.clmgr-new <<'END OF FILE'\n%[3]sEND OF FILE\nchmod %[2]s %[1]s.clmgr-new\nsync %[1]s.clmgr-new\nmv -f %[1]s.clmgr-new %[1]s\n", f.path, f.mode, f.text)
}

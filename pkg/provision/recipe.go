package provision

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
	"github.com/clmgr/clmgr/pkg/template"
)

// Recipe is a service that somebody else knows how to lay out: commands, files, and the unit
// that reads them. Commands and the texts of files are templates.
type Recipe struct {
	Name  string
	Unit  string
	Steps []Step
	Files []RecipeFile
	// Reload has a unit that runs take changed files; empty restarts it. Serves ends well
	// once it serves with them; empty wants the unit active. Where either fails the old
	// files come back.
	Reload, Serves string
	// Values are what the templates may name, and Secrets what lies over that for files of
	// mode 0600. The machine's own are added: machine.memory, in MiB.
	Values, Secrets map[string]any
}

// NoSecret stands among the Values for what only the Secrets have.
func NoSecret() any {
	return template.Refused("only the text of a file of mode " + secretMode + " may have it")
}

// Step is a command that is run where Unless, a command, fails, or Creates is not there.
type Step struct{ Run, Creates, Unless string }

// RecipeFile is a file of a recipe.
type RecipeFile struct {
	Path, Text, Mode, Owner string
	// Check fails where the new file, which it calls {file}, is not right; empty for none.
	Check string
}

// rendered is a recipe whose templates are filled in.
type rendered struct {
	Recipe
	missing []string
	steps   []int // that are to be run
	pending bool
}

func (r Recipe) what() string { return r.Name }

func (r Recipe) question() (question, error) {
	commands, err := r.commands()
	if err != nil {
		return question{}, err
	}
	return question{script: commands.lookScript()}, nil
}

func (r Recipe) missing(said reply) (string, error) {
	seen, err := r.read(said)
	return strings.Join(seen.missing, "; "), err
}

func (r Recipe) read(said reply) (rendered, error) {
	commands, err := r.commands()
	if err != nil {
		return rendered{}, err
	}
	return commands.parse(said.out)
}

// Install runs the commands that were not run, as the job j, then does what Configure does.
func (r Recipe) Install(ctx context.Context, m job.Machine, j job.Job) (changed bool, err error) {
	if changed, err = r.install(ctx, m, j); err != nil {
		return false, fmt.Errorf("cannot install %s: %w", r.Name, err)
	}
	return changed, nil
}

func (r Recipe) install(ctx context.Context, m job.Machine, j job.Job) (bool, error) {
	seen, err := r.look(ctx, m)
	switch {
	case err != nil:
		return false, err
	case len(seen.steps) > 0:
		j.Command = seen.stepScript()
		result, err := job.Run(ctx, m, j)
		if err == nil {
			err = result.Err()
		}
		if err != nil {
			return false, fmt.Errorf("its commands: %w", err)
		}
	}
	// Who has run them may have been killed before it cleared its job away.
	if err := job.Discard(ctx, m, j); errors.As(err, new(*job.Running)) {
		return false, err
	}
	if len(seen.missing) == 0 {
		return false, nil
	}
	return true, r.settle(ctx, m, seen)
}

// Configure writes the files where one differs, has the unit started at boot, and one that
// runs take them. What a file's check refuses is not put in place; what the unit does not
// take is taken back.
func (r Recipe) Configure(ctx context.Context, m job.Machine) (changed bool, err error) {
	seen, err := r.look(ctx, m)
	if err == nil && len(seen.missing) > len(seen.steps) {
		seen.Steps, changed = nil, true
		err = r.settle(ctx, m, seen)
	}
	if err != nil {
		return false, fmt.Errorf("cannot configure %s: %w", r.Name, err)
	}
	return changed, nil
}

// settle brings the files to where they should be, and looks again.
func (r Recipe) settle(ctx context.Context, m job.Machine, seen rendered) error {
	if _, err := run(ctx, m, seen.script(), strings.NewReader(seen.texts())); err != nil {
		return err
	}
	again, err := r.look(ctx, m)
	if err != nil {
		return fmt.Errorf("done, but not seen: %w", err)
	}
	left := again.missing
	if seen.Steps == nil {
		left = left[len(again.steps):]
	}
	if len(left) > 0 {
		return errors.New("done, and still: " + strings.Join(left, "; "))
	}
	return nil
}

// look finds what differs on the machine.
func (r Recipe) look(ctx context.Context, m job.Machine) (rendered, error) {
	said, err := askOne(ctx, m, r)
	if err != nil {
		return rendered{}, err
	}
	return r.read(said)
}

// parse reads what the script of a look prints, and fills the files in.
func (r Recipe) parse(out string) (rendered, error) {
	seen := rendered{}
	files, words := map[int]string{}, map[string]string{}
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch number, rest, _ := strings.Cut(rest, " "); word {
		case "step":
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n >= len(r.Steps) {
				return rendered{}, fmt.Errorf("cannot understand %q", line)
			}
			seen.steps = append(seen.steps, n)
		case "file":
			n, err := strconv.Atoi(number)
			if err != nil {
				return rendered{}, fmt.Errorf("cannot understand %q", line)
			}
			files[n] = rest
		default:
			words[word] = number
		}
	}
	memory, err := strconv.Atoi(words["memory"])
	if err != nil {
		return rendered{}, fmt.Errorf("the machine does not tell its memory: %q", out)
	}
	if seen.Recipe, err = r.filled(memory / 1024); err != nil {
		return rendered{}, err
	}
	for _, n := range seen.steps {
		seen.missing = append(seen.missing, fmt.Sprintf("to be run: %s", lastWords(r.Steps[n].Run)))
	}
	for n, f := range seen.Files {
		if files[n] != f.seenAs() {
			seen.missing = append(seen.missing, f.Path+" is not as configured")
		}
	}
	if _, seen.pending = words["pending"]; seen.pending {
		seen.missing = append(seen.missing, "a change of its files was cut short")
	}
	if _, enabled := words["enabled"]; !enabled {
		seen.missing = append(seen.missing, "the unit "+r.Unit+" is not started at boot")
	}
	return seen, nil
}

// seenAs is what a look prints of the file where it is as wanted.
func (f RecipeFile) seenAs() string {
	return sum(f.Text) + " " + strings.TrimPrefix(f.Mode, "0") + " " + f.Owner
}

// secretMode is that of files which may have secrets in them.
const secretMode = "0600"

// commands fills in all but the texts of files.
func (r Recipe) commands() (Recipe, error) {
	values := mapped(r.Values, map[string]any{})
	values["machine"] = mapped(r.machine(), map[string]any{"memory": template.Refused("only the text of a file may have it")})
	fill := func(what, text string) (out string, err error) {
		var parsed template.Template
		if parsed, err = template.Parse(what, text); err == nil {
			out, err = parsed.Render(values)
		}
		return out, err
	}
	var err error
	for _, c := range []struct {
		what string
		text *string
	}{{"reload", &r.Reload}, {"serves", &r.Serves}} {
		if *c.text, err = fill(c.what, *c.text); err != nil {
			return r, err
		}
	}
	steps := make([]Step, len(r.Steps))
	for n, s := range r.Steps {
		if s.Run, err = fill("run", s.Run); err != nil {
			return r, err
		}
		if s.Unless, err = fill("unless", s.Unless); err != nil {
			return r, err
		}
		steps[n] = s
	}
	files := make([]RecipeFile, len(r.Files))
	for n, f := range r.Files {
		if f.Check, err = fill("check", f.Check); err != nil {
			return r, err
		}
		files[n] = f
	}
	r.Steps, r.Files = steps, files
	return r, nil
}

// filled fills in the texts of files, for a machine of so many MiB.
func (r Recipe) filled(memory int) (Recipe, error) {
	files := make([]RecipeFile, len(r.Files))
	for n, f := range r.Files {
		values := mapped(r.Values, map[string]any{})
		values["machine"] = mapped(r.machine(), map[string]any{"memory": memory})
		if f.Mode == secretMode {
			values = mapped(values, r.Secrets)
		}
		parsed, err := template.Parse(f.Path, f.Text)
		if err == nil {
			f.Text, err = parsed.Render(values)
		}
		if err != nil {
			return r, err
		}
		files[n] = f
	}
	r.Files = files
	return r, nil
}

func (r Recipe) machine() map[string]any {
	m, _ := r.Values["machine"].(map[string]any)
	return m
}

// mapped is one map with another one laid over it.
func mapped(one, two map[string]any) map[string]any {
	out := map[string]any{}
	for _, m := range []map[string]any{one, two} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

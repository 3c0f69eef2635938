package provision

import (
	"fmt"
	"path"
	"strings"
)

// recipeStamps is a folder on the machine with a file for each service that a recipe has
// laid out, which names all files that it ever wrote.
const recipeStamps = "/var/lib/clmgr-recipes"

// recipePath has what root finds in a terminal, for commands that somebody wrote there.
const recipePath = "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8\n"

func (r Recipe) stamp() string { return recipeStamps + "/" + r.Name }

// shell is a command as an argument list that runs it, without the lock of the script.
func shell(command string) string { return "sh -c " + quoted(command) + " 9>&-" }

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// done is a command that ends well where the step was run.
func (s Step) done() string {
	if s.Creates != "" {
		return "test -e " + s.Creates
	}
	return shell(s.Unless) + " >/dev/null 2>&1 </dev/null"
}

// lookScript prints the machine's memory, the steps to be run, and how the files are.
func (r Recipe) lookScript() string {
	var b strings.Builder
	b.WriteString(recipePath + memoryScript("memory") + "\n")
	for n, s := range r.Steps {
		fmt.Fprintf(&b, "if ! %s; then echo step %d; fi\n", s.done(), n)
	}
	for n, f := range r.Files {
		owner := "%U:%G"
		if !strings.Contains(f.Owner, ":") {
			owner = "%U"
		}
		fmt.Fprintf(&b, "if [ -f %[1]s ]; then sum=$(sha256sum <%[1]s); echo file %d ${sum%%%% *} $(stat -c '%%a %s' %[1]s); fi\n", f.Path, n, owner)
		fmt.Fprintf(&b, "if [ -e %s ]; then echo pending; fi\n", f.old())
	}
	fmt.Fprintf(&b, "case $(systemctl show -P UnitFileState %s) in enabled|static|generated|indirect|alias) echo enabled;; esac\n", r.Unit)
	return b.String()
}

// stepScript runs what is to be run, in order. Each is looked at again: before, since who
// was given up for lost may have run it, and after.
func (r rendered) stepScript() string {
	var b strings.Builder
	b.WriteString("set -eu\n" + recipePath + alone)
	for _, n := range r.steps {
		s := r.Steps[n]
		fmt.Fprintf(&b, "if ! %[1]s; then\n\t%[2]s </dev/null\n\t%[1]s || { echo %[3]s >&2; exit 6; }\nfi\n",
			s.done(), shell(s.Run), quoted("was run, and is still to be run: "+lastWords(s.Run)))
	}
	return b.String()
}

// texts are those of all files, one after the other.
func (r rendered) texts() string {
	var b strings.Builder
	for _, f := range r.Files {
		b.WriteString(f.Text)
	}
	return b.String()
}

// old is what a file was, empty where there was none. It is there from before a change until
// the unit has taken it.
func (f RecipeFile) old() string { return f.Path + ".clmgr-old" }

func (f RecipeFile) new() string { return f.Path + ".clmgr-new" }

// recipeBegin has the functions of the script that puts files in place.
const recipeBegin = `set -eu
umask 022
` + recipePath + alone + `trap 'rm -f $news' EXIT
said=
put() { # path, owner, mode, bytes: what comes next on standard input lies beside the path
	mkdir -p "$(dirname "$1")"
	rm -f "$1.clmgr-new"
	(umask 077; head -c "$4" >"$1.clmgr-new")
	chown "$2" "$1.clmgr-new"
	chmod "$3" "$1.clmgr-new"
}
differs() {
	! [ -f "$1" ] || ! cmp -s "$1.clmgr-new" "$1" || [ "$(stat -c '%a %U %G' "$1.clmgr-new")" != "$(stat -c '%a %U %G' "$1")" ]
}
swap() {
	if ! [ -e "$1.clmgr-old" ]; then
		if [ -e "$1" ]; then cp -p "$1" "$1.clmgr-old.part"; else : >"$1.clmgr-old.part"; fi
		sync "$1.clmgr-old.part"
		mv -f "$1.clmgr-old.part" "$1.clmgr-old"
	fi
	sync "$1.clmgr-new"
	mv -f "$1.clmgr-new" "$1"
}
back() {
	for f in $files; do
		if [ -s $f.clmgr-old ]; then mv -f $f.clmgr-old $f; elif [ -e $f.clmgr-old ]; then rm -f $f $f.clmgr-old; fi
	done
	if [ "$units" ]; then systemctl daemon-reload; fi
}
`

// script brings the files, whose texts come on standard input, to where they should be.
// Whoever opens one finds the old or the new one, whole.
func (r rendered) script() string {
	var names, news, units []string
	for _, f := range r.Files {
		names, news = append(names, f.Path), append(news, f.new())
		if dir := path.Dir(f.Path); strings.HasPrefix(dir, "/etc/systemd") || strings.HasSuffix(dir, "/systemd/system") {
			units = append(units, f.Path)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "unit=%s files='%s' news='%s' units='%s'\n", r.Unit, strings.Join(names, " "), strings.Join(news, " "), strings.Join(units, " "))
	b.WriteString(recipeBegin)
	for _, f := range r.Files {
		fmt.Fprintf(&b, "put %s %s %s %d\n", f.Path, f.Owner, f.Mode, len(f.Text))
	}
	for _, f := range r.Files {
		if f.Check != "" {
			fmt.Fprintf(&b, "if differs %[1]s; then said=$(%[2]s 2>&1 </dev/null) || { echo \"%[1]s is refused: $said\" >&2; exit 3; }; fi\n",
				f.Path, shell(strings.ReplaceAll(f.Check, "{file}", f.new())))
		}
	}
	fmt.Fprintf(&b, `mkdir -p %[1]s
{ if [ -e %[2]s ]; then cat %[2]s; fi; for f in $files; do echo $f; done; } | sort -u >%[2]s.part
mv -f %[2]s.part %[2]s
changed=
for f in $files; do
	if differs $f; then swap $f; fi
	if [ -e $f.clmgr-old ]; then changed=1; fi
done
if [ "$changed" ] && [ "$units" ]; then systemctl daemon-reload; fi
case $(systemctl show -P UnitFileState $unit) in enabled|static|generated|indirect|alias) ;; *) systemctl enable --quiet $unit;; esac
`, recipeStamps, r.stamp())
	b.WriteString(r.takeScript())
	return b.String()
}

// takeScript has a unit that runs take the files, or the old ones again.
func (r Recipe) takeScript() string {
	reload, serves := "systemctl restart $unit", "runs"
	if r.Reload != "" {
		reload = shell(r.Reload)
	}
	if r.Serves != "" {
		serves = "for n in $(seq 40); do if " + shell(r.Serves) + " >/dev/null; then return 0; fi; sleep 0.25; done; return 1"
	}
	// How the old files serve nobody says any more.
	return `take() {
	` + reload + ` </dev/null || return 1
	"$1" </dev/null
}
runs() {
	sleep 1; systemctl is-active --quiet $unit
}
serves() {
	` + serves + `
}
if [ "$changed" ] && systemctl is-active --quiet $unit; then
	if ! said=$(take serves 2>&1); then
		why=$(journalctl -q --no-pager -o cat -n 5 -u $unit || true)
		back
		echo "$unit does not take the files: $said $why" >&2
		if again=$(take runs 2>&1); then echo "the old files serve again" >&2; else echo "the old files are back, and do not serve either: $again" >&2; fi
		exit 4
	fi
fi
for f in $files; do rm -f $f.clmgr-old; done
`
}

package monitor

import (
	"errors"
	"strconv"
	"strings"
)

// shown is what systemd says of a unit, in its own words.
type shown struct {
	id       string // the full name: of an alias, that of its unit
	load     string // loaded, not-found, masked, bad-setting, error
	active   string // active, inactive, failed, activating, deactivating, reloading
	sub      string
	result   string // success, or how the last run ended
	typ      string // of a service: simple, notify, oneshot, …
	run      string // the invocation id
	restarts int    // by systemd itself, since somebody started it
}

// unitsQuestion asks for all units at once. Their answers come in the order of the
// names, with an empty line in between.
func unitsQuestion(units []string) string {
	return `[ -d /run/systemd/system ] || { echo "systemd does not run this machine" >&2; exit 1; }
cat /proc/sys/kernel/hostname
echo
systemctl show -p Id -p LoadState -p ActiveState -p SubState -p Result -p Type -p InvocationID -p NRestarts --` + words(units)
}

// words are arguments for a shell.
func words(list []string) string {
	var b strings.Builder
	for _, w := range list {
		b.WriteString(" '" + strings.ReplaceAll(w, "'", `'\''`) + "'")
	}
	return b.String()
}

// readUnits reads the answer: the host's name, and what was said of each of the units.
func readUnits(text string, units []string) (hostname string, of map[string]shown, err error) {
	parts := strings.Split(strings.TrimRight(text, "\n"), "\n\n")
	if len(parts) != len(units)+1 {
		return "", nil, errors.New("systemctl told of " + strconv.Itoa(len(parts)-1) + " units, asked for were " + strconv.Itoa(len(units)))
	}
	of = make(map[string]shown, len(units))
	for n, unit := range units {
		u, err := readUnit(parts[n+1])
		if err != nil {
			return "", nil, err
		}
		of[unit] = u
	}
	return oneLine(parts[0], longestText), of, nil
}

func readUnit(text string) (shown, error) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		key, v, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		values[key] = v
	}
	u := shown{
		id: values["Id"], load: values["LoadState"], active: values["ActiveState"], sub: values["SubState"], result: values["Result"],
		typ: values["Type"], run: values["InvocationID"],
	}
	if u.load == "" || u.active == "" {
		return u, errors.New("systemctl says neither LoadState nor ActiveState")
	}
	if n, err := strconv.Atoi(values["NRestarts"]); err == nil && n > 0 {
		u.restarts = n
	}
	return u, nil
}

// hitQuestion asks for the last time that systemd ended each of the units because its
// watchdog had not been heard. Only the journal knows: what systemctl shows is about the
// present run. The message id is that of systemd's unit-failure-result. A unit whose
// journal is closed to us, or that was never hit, has an empty line.
func hitQuestion(units []string) string {
	return `for u in` + words(units) + `; do
	c=$(journalctl -q --no-pager -n 1 -o export --output-fields=UNIT_RESULT \
		MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c UNIT="$u" UNIT_RESULT=watchdog | sed -n 's/^__CURSOR=//p')
	echo "$c"
done`
}

// readHits reads the answer: of each unit the journal's cursor of its last hit.
func readHits(text string, units []string) map[string]string {
	of := make(map[string]string, len(units))
	for n, line := range strings.Split(text, "\n") {
		if n < len(units) {
			of[units[n]] = strings.TrimSpace(line)
		}
	}
	return of
}

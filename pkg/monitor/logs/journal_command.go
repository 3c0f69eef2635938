package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// asReader runs journalctl with the arguments as somebody who may read all of the
// journal: holes in what one sees are taken for entries that are missing.
const asReader = `LC_ALL=C; export LC_ALL
if [ "$(id -u)" = 0 ] || id -nG | tr " " "\n" | grep -qxE "systemd-journal|adm|wheel"; then exec journalctl "$@"; fi
exec sudo -n journalctl "$@"`

// journalctl is the command that prints entries.
func journalctl(args ...string) string {
	words := []string{"exec", "sh", "-c", quote(asReader), "clmgr", "--no-pager", "--output=export"}
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// followCommand prints the entries from a place on, that one first, and then each as it
// comes; all of the journal where there is no place.
func followCommand(place string) string {
	args := []string{"--output-fields=" + journalFields, "--follow", "--no-tail"}
	if place != "" {
		args = append(args, "--cursor="+place)
	}
	return journalctl(args...)
}

// newest is the place of the newest entry, "" where there is none.
func newest(ctx context.Context, m Machine) (string, error) {
	return one(ctx, m, "--output-fields=MESSAGE_ID", "--lines=1")
}

// oneAt is the place of an entry at or after a place, "" where there is none.
func oneAt(ctx context.Context, m Machine, place string) (string, error) {
	return one(ctx, m, "--output-fields=MESSAGE_ID", "--lines=1", "--cursor="+place)
}

func one(ctx context.Context, m Machine, args ...string) (string, error) {
	out, err := m.Run(ctx, journalctl(args...), nil)
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", fmt.Errorf("cannot read the journal: exit status %d: %s", out.Exit, lastLine(out.Stderr))
	}
	var d decoder
	place := ""
	if err := d.feed(out.Stdout, func(e *entry) { place = e.cursor.text }); err != nil {
		return "", err
	}
	if place == "" && strings.Contains(string(out.Stderr), "permission") {
		return "", errors.New("cannot read the journal: " + lastLine(out.Stderr))
	}
	return place, nil
}

package doctor

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// captured is how many bytes of a script's output are kept, so many more than
	// are told that no secret is cut in two where the telling ends.
	captured = 64 << 10
	// mostSaid is how many bytes of it are told.
	mostSaid = 300
)

// output keeps the beginning of what is written to it.
type output struct {
	text []byte
	more bool // than text
}

// Write takes everything, so that the script goes on.
func (o *output) Write(p []byte) (int, error) {
	room := captured - len(o.text)
	o.text = append(o.text, p[:min(len(p), room)]...)
	o.more = o.more || len(p) > room
	return len(p), nil
}

// line is the output as one short line, without secrets.
func (o *output) line(mask func(string) string) string {
	text := o.text
	if end := bytes.LastIndexByte(text, '\n'); o.more && end > 0 {
		text = text[:end]
	}
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(mask(string(text)), "�")) {
		line = strings.TrimSpace(strings.Map(printable, line))
		if line != "" {
			lines = append(lines, line)
		}
	}
	return shortened(strings.Join(lines, " / "), mostSaid)
}

func printable(c rune) rune {
	if !unicode.IsPrint(c) {
		return ' '
	}
	return c
}

// shortened cuts a text to so many bytes, between two characters.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

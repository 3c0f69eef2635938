package services

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clmgr/clmgr/pkg/secret"
)

const (
	reasonLimit = 300      // bytes in a reason
	keyLimit    = 200      // bytes in a fact's name
	factLimit   = 64 << 10 // bytes in a fact: a GTID set with many gaps is long
	sampleLimit = 60       // bytes of a far side's own words quoted in a reason
)

// oneLine makes text fit for a document: secrets masked, valid UTF-8, no control
// characters, runs of space joined, at most limit bytes. Masking comes first, for
// a secret that was cut or rewritten would no longer be found.
func oneLine(m secret.Masker, text string, limit int) string {
	text = strings.ToValidUTF8(m.Text(text), "\uFFFD")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	return cut(text, limit)
}

// cut shortens text to at most limit bytes, at a rune's edge, and says so by "…".
func cut(text string, limit int) string {
	const mark = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// sample quotes the beginning of what a far side sent. The secret is masked here
// already, since quoting may change how it is written.
func (a attempt) sample(data []byte) string {
	return strconv.Quote(cut(strings.ToValidUTF8(a.masker.Text(string(data)), "\uFFFD"), sampleLimit))
}

// within says how long the probe waited, rounded up, for it began a little late: the
// same wait reads the same each time.
func (a attempt) within() string {
	step := time.Millisecond
	switch {
	case a.patience >= time.Second:
		step = 500 * time.Millisecond
	case a.patience >= 100*time.Millisecond:
		step = 50 * time.Millisecond
	}
	return "within " + (a.patience + step - 1).Truncate(step).String()
}

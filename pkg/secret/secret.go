// Package secret keeps passwords out of everything that is printed, logged,
// encoded or stored: a Value shows itself as "xxx" through every formatting and
// encoding door, and a Masker removes known secrets from text that came from
// elsewhere (an error of a library, the output of a command).
package secret

import (
	"fmt"
	"log/slog"
	"sort"
	"strings"
)

// Mask is what stands wherever a secret would have stood.
const Mask = "xxx"

// Value is a secret. Only Reveal gives the text.
type Value struct{ text string }

// New returns the secret whose text is s.
func New(s string) Value { return Value{text: s} }

// Reveal returns the secret itself, for the one call that needs it.
func (v Value) Reveal() string { return v.text }

// Empty tells whether no secret was given.
func (v Value) Empty() bool { return v.text == "" }

// String returns the mask, or "" for an empty secret.
func (v Value) String() string {
	if v.Empty() {
		return ""
	}
	return Mask
}

// GoString keeps %#v from showing the field.
func (v Value) GoString() string { return fmt.Sprintf("secret.Value{%q}", v.String()) }

// MarshalText is used by the JSON and YAML encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue is used by slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// Masker replaces known secrets in text. The zero Masker knows none.
type Masker struct{ replacer *strings.Replacer }

// shortest is the length in bytes below which a secret is not searched for in
// text: masking every "a" would destroy the text and hide nothing.
const shortest = 4

// NewMasker returns a Masker for the given secrets.
func NewMasker(values ...Value) Masker {
	var texts []string
	for _, v := range values {
		if len(v.text) >= shortest {
			texts = append(texts, v.text)
		}
	}
	if len(texts) == 0 {
		return Masker{}
	}
	// A longer secret goes first, so that one which contains another is
	// replaced whole.
	sort.Slice(texts, func(i, j int) bool { return len(texts[i]) > len(texts[j]) })
	var pairs []string
	for _, text := range texts {
		pairs = append(pairs, text, Mask)
	}
	return Masker{replacer: strings.NewReplacer(pairs...)}
}

// Text returns s with every known secret replaced by Mask.
func (m Masker) Text(s string) string {
	if m.replacer == nil {
		return s
	}
	return m.replacer.Replace(s)
}

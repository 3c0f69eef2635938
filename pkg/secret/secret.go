// Package secret keeps passwords out of everything that is printed, logged,
// encoded or stored: a Value shows itself as "xxx" through every formatting and
// encoding door, and a Masker removes known secrets from text that came from
// elsewhere (an error of a library, the output of a command).
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// Mask is what stands wherever a secret would have stood.
const Mask = "xxx"

// Value is a secret. Only Reveal gives the text. Two Values of the same text are
// equal, also by ==.
type Value struct {
	// A handle, not a string: fmt prints the unexported field of a struct that
	// holds a Value without asking the Value, and then shows an address.
	text unique.Handle[string]
}

// New returns the secret whose text is s.
func New(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{text: unique.Make(s)}
}

// Reveal returns the secret itself, for the one call that needs it.
func (v Value) Reveal() string {
	if v.Empty() {
		return ""
	}
	return v.text.Value()
}

// Empty tells whether no secret was given.
func (v Value) Empty() bool { return v == Value{} }

// Equal tells whether two secrets are the same.
func (v Value) Equal(other Value) bool { return v == other }

// String returns the mask, or "" for an empty secret.
func (v Value) String() string {
	if v.Empty() {
		return ""
	}
	return Mask
}

// GoString keeps %#v from showing the field.
func (v Value) GoString() string { return fmt.Sprintf("secret.Value{%q}", v.String()) }

// Format is used by fmt, whatever the verb.
func (v Value) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'v' && f.Flag('#'):
		_, _ = io.WriteString(f, v.GoString())
	case verb == 'v' || verb == 's' || verb == 'q':
		fmt.Fprintf(f, fmt.FormatString(f, verb), v.String())
	default:
		_, _ = io.WriteString(f, v.String())
	}
}

// MarshalText is used by the JSON and YAML encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// LogValue is used by slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

package send

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/clmgr/clmgr/pkg/alert"
)

// letter is a message in all its forms.
type letter struct {
	message     alert.Message
	title, text string
	document    []byte
}

// place is where letters go. An error means that it has to be sent again: it may have
// arrived nevertheless. It may be a *laterError or a *refusedError.
type place interface {
	send(ctx context.Context, l letter) error
}

// laterError says that the place does not want to be tried again for a while.
type laterError struct {
	after time.Duration
	err   error
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// refusedError says that the place takes the letter for bad.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

func newPlace(p Place, opts Options) (place, error) {
	switch {
	case p.Webhook != nil:
		return newWebhook(*p.Webhook)
	case len(p.Program) > 0:
		return &program{line: p.Program, mask: opts.Mask}, nil
	case !p.URL.Empty():
		return newService(p.URL, opts.Settings.Manager)
	}
	return nil, errors.New("it has neither a url nor a webhook nor a program")
}

// mostSaid is how many bytes are told of why a try failed.
const mostSaid = 300

// short is a text as one short line.
func short(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(c rune) bool { return !unicode.IsPrint(c) || unicode.IsSpace(c) }), " ")
	if len(s) <= mostSaid {
		return s
	}
	end := mostSaid
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}

// cutShort is the error of a try whose time was over.
func cutShort(ctx context.Context) error {
	return fmt.Errorf("no answer in time: %w", context.Cause(ctx))
}

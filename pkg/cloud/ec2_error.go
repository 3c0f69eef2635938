package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// failure words an error of the SDK in one line: the API's own words where it
// answered, else the cause.
func failure(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s: %w", doing, &spoken{err})
}

// spoken is an error of the SDK whose text is only what matters of it.
type spoken struct{ err error }

// Error is the API's code and message, or what kept the call from an answer.
func (s *spoken) Error() string {
	var late *outOfTime
	if errors.As(s.err, &late) {
		return words(late.last) + " (tried until the time was up)"
	}
	return words(s.err)
}

// Unwrap gives the SDK's own error.
func (s *spoken) Unwrap() error { return s.err }

func words(err error) string {
	var answer smithy.APIError
	switch {
	case errors.As(err, &answer):
		return "EC2 says " + answer.ErrorCode() + ": " + answer.ErrorMessage()
	case errors.Is(err, context.DeadlineExceeded):
		return "EC2 did not answer in time"
	}
	// The SDK wraps each cause in several sentences; the innermost but one of a
	// network's names the address.
	var op interface {
		error
		Timeout() bool
	}
	if errors.As(err, &op) {
		return strings.Join(strings.Fields(op.Error()), " ")
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// code is the API's error code, empty where it did not answer with one.
func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

func throttled(code string) bool {
	return slices.Contains([]string{"RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled", "EC2ThrottledException"}, code)
}

// outOfTime is a call whose time was up while it was to be tried again; last is
// how the last try ended, which the SDK does not tell.
type outOfTime struct{ err, last error }

func (o *outOfTime) Error() string { return o.err.Error() }

// Unwrap gives both.
func (o *outOfTime) Unwrap() []error { return []error{o.err, o.last} }

// rememberTries keeps how the last try of a call ended, for outOfTime.
func rememberTries(stack *middleware.Stack) error {
	type key struct{}
	call := middleware.InitializeMiddlewareFunc("clmgrCall", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		var last error
		out, meta, err := next.HandleInitialize(middleware.WithStackValue(ctx, key{}, &last), in)
		if err != nil && last != nil && ctx.Err() != nil {
			err = &outOfTime{err, last}
		}
		return out, meta, err
	})
	try := middleware.FinalizeMiddlewareFunc("clmgrTry", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleFinalize(ctx, in)
		if last, ok := middleware.GetStackValue(ctx, key{}).(*error); ok && err != nil && ctx.Err() == nil {
			*last = err
		}
		return out, meta, err
	})
	if err := stack.Initialize.Add(call, middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(try, "Retry", middleware.After)
}

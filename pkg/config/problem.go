package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clmgr/clmgr/pkg/secret"
)

// Problem is one mistake in the file, or one warning about it.
type Problem struct {
	File    string
	Line    int // from 1
	Column  int // from 1, in characters
	Message string
}

// String returns "file:line:column: message".
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Errors are all mistakes of a file, sorted by position. There is at least one.
type Errors []Problem

// Error lists them, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// A file that is no configuration at all has a problem a line: kept are the first
// kept, in the order in which they are found, and reported the first reported.
const (
	kept     = 50_000
	reported = 1000
)

// place is where something stands: line and column from 1. The zero place is
// nowhere.
type place struct{ line, column int }

// report gathers problems.
type report struct {
	file     string
	problems []Problem
	warnings []Problem
}

func (r *report) problem(at place, format string, args ...any) {
	if len(r.problems) < kept {
		r.problems = append(r.problems, r.at(at, format, args...))
	}
}

func (r *report) warning(at place, format string, args ...any) {
	r.warnings = append(r.warnings, r.at(at, format, args...))
}

func (r *report) at(at place, format string, args ...any) Problem {
	return Problem{File: r.file, Line: max(at.line, 1), Column: max(at.column, 1), Message: fmt.Sprintf(format, args...)}
}

// mask takes secrets out of all messages.
func (r *report) mask(m secret.Masker) {
	for _, list := range [][]Problem{r.problems, r.warnings} {
		for i := range list {
			list[i].Message = m.Text(list[i].Message)
		}
	}
}

// err returns the problems as Errors, nil where there are none.
func (r *report) err() error {
	all := tidied(r.problems)
	if len(all) == 0 {
		return nil
	}
	if len(all) > reported {
		all = all[:reported:reported]
		all[reported-1].Message += " (and more problems after this one)"
	}
	return Errors(all)
}

// tidied sorts by position and drops repeats: what stands behind an alias is
// decoded where it is used, each time with the same mistakes.
func tidied(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

// quoted shows a piece of the file in a message: escaped, and cut where long.
func quoted(s string) string {
	const longest = 60
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// called is how messages call an instance or service.
func called(kind, name string) string {
	if name == "" {
		return "this " + kind
	}
	return "the " + kind + " " + quoted(name)
}

package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern is what a text is to be like. The zero Pattern matches any text.
type Pattern struct {
	text string
	re   *regexp.Regexp
}

// ParsePattern reads a pattern: between two slashes a regular expression, which is
// found anywhere in a text; else a glob, in which * stands for any characters and ?
// for one, and which is like the whole text.
func ParsePattern(s string) (Pattern, error) {
	expression := globExpression(s)
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		expression = s[1 : len(s)-1]
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return Pattern{}, fmt.Errorf("cannot read pattern %q: %s", s, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return Pattern{s, re}, nil
}

// globExpression is a glob as a regular expression.
func globExpression(glob string) string {
	var out strings.Builder
	out.WriteString(`(?s)\A`)
	for _, c := range glob {
		switch c {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	out.WriteString(`\z`)
	return out.String()
}

// Any tells whether nothing is asked of a text.
func (p Pattern) Any() bool { return p.re == nil }

// Match tells whether a text is like the pattern.
func (p Pattern) Match(s string) bool { return p.re == nil || p.re.MatchString(s) }

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

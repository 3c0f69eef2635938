package monitor

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Type is what the values of a query are.
type Type string

// The types.
const (
	Float   Type = "float"
	Integer Type = "integer"
	String  Type = "string"
)

// Comparison is a condition of a value, as "> 30" or "=~ ^10[.]11". The zero value
// holds for nothing.
type Comparison struct {
	op     string
	number float64
	text   string
	match  *regexp.Regexp
}

// ParseComparison reads a comparison: >, >=, <, <=, == or != with a number, and for
// strings ==, !=, =~ or !~ with the text or regular expression that follows. Text is
// taken without the space around it. The empty text gives the zero value.
func ParseComparison(s string, typ Type) (Comparison, error) {
	if s == "" {
		return Comparison{}, nil
	}
	c := Comparison{}
	for _, op := range []string{">=", "<=", "==", "!=", "=~", "!~", ">", "<"} {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(s), op); ok {
			c.op, c.text = op, strings.TrimSpace(rest)
			break
		}
	}
	var err error
	switch {
	case c.op == "":
		err = errors.New("it begins with none of > >= < <= == != =~ !~")
	case typ != String:
		err = c.readNumber()
	case c.op == "=~" || c.op == "!~":
		c.match, err = regexp.Compile(c.text)
	case c.op != "==" && c.op != "!=":
		err = fmt.Errorf("%s compares numbers, a string wants one of == != =~ !~", c.op)
	}
	if err != nil {
		return Comparison{}, fmt.Errorf("cannot read comparison %q: %w", s, err)
	}
	return c, nil
}

func (c *Comparison) readNumber() error {
	if c.op == "=~" || c.op == "!~" {
		return fmt.Errorf("%s compares strings, a number wants one of > >= < <= == !=", c.op)
	}
	n, err := strconv.ParseFloat(c.text, 64)
	if err != nil || math.IsNaN(n) {
		return fmt.Errorf("%q is not a number", c.text)
	}
	c.number = n
	return nil
}

// zero tells whether there is no comparison.
func (c Comparison) zero() bool { return c.op == "" }

// holds tells whether it is so of the value.
func (c Comparison) holds(v value) bool {
	switch c.op {
	case ">":
		return v.number > c.number
	case ">=":
		return v.number >= c.number
	case "<":
		return v.number < c.number
	case "<=":
		return v.number <= c.number
	case "==":
		return v.equals(c)
	case "!=":
		return !v.equals(c)
	case "=~":
		return c.match.MatchString(v.text)
	case "!~":
		return !c.match.MatchString(v.text)
	}
	return false
}

// value is one value of a query.
type value struct {
	typ    Type
	number float64
	text   string // as it is shown
}

func (v value) equals(c Comparison) bool {
	if v.typ == String {
		return v.text == c.text
	}
	return v.number == c.number //nolint:gocritic // floats that are meant to be equal
}

// longestText is how much of a string value is kept, in bytes.
const longestText = 200

// readValue reads what Prometheus wrote as one of the type. What is not one is an
// error: it must not be taken for a state.
func readValue(s string, typ Type) (value, error) {
	if typ == String {
		return value{typ: typ, text: oneLine(s, longestText)}, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	switch {
	case err != nil:
		return value{}, fmt.Errorf("%q is not a number", oneLine(s, longestText))
	case math.IsNaN(n):
		return value{}, errors.New("NaN is not a number")
	case typ == Integer && n != math.Trunc(n): // Inf is its own
		return value{}, fmt.Errorf("%s is not an integer", s)
	case typ == Integer && math.IsInf(n, 0):
		return value{}, fmt.Errorf("%s is not an integer", s)
	}
	return value{typ: typ, number: n, text: showNumber(n)}, nil
}

// showNumber writes a number in its shortest form, without an exponent where people
// would write none.
func showNumber(n float64) string {
	if n == 0 {
		return "0" // also for the negative one, which is equal to it
	}
	if a := math.Abs(n); a >= 1e15 || a < 1e-6 {
		return strconv.FormatFloat(n, 'g', -1, 64)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// Range is what values are taken for true: from Min to Max, both included. The zero
// value takes all.
type Range struct {
	Min, Max float64
	Set      bool
}

// ParseRange reads "MIN..MAX", of which one may be missing.
func ParseRange(s string) (Range, error) {
	if s == "" {
		return Range{}, nil
	}
	r := Range{Min: math.Inf(-1), Max: math.Inf(1), Set: true}
	low, high, ok := strings.Cut(s, "..")
	if !ok || low == "" && high == "" {
		return Range{}, fmt.Errorf("cannot read range %q: want MIN..MAX, as in 0..100", s)
	}
	for _, bound := range []struct {
		text string
		to   *float64
	}{{low, &r.Min}, {high, &r.Max}} {
		if bound.text == "" {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(bound.text), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return Range{}, fmt.Errorf("cannot read range %q: %q is not a number", s, bound.text)
		}
		*bound.to = n
	}
	if r.Min > r.Max {
		return Range{}, fmt.Errorf("cannot read range %q: it ends before it begins", s)
	}
	return r, nil
}

// takes tells whether a value is one to believe: an infinite one is in no range that
// is given.
func (r Range) takes(n float64) bool {
	return !r.Set || n >= r.Min && n <= r.Max && !math.IsInf(n, 0)
}

// oneLine makes one line of text from elsewhere, of longest bytes at most.
func oneLine(s string, longest int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(c rune) bool { return c <= ' ' || c == 0x7f }), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

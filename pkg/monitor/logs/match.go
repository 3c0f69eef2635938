package logs

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Match is what is looked for in lines.
type Match struct {
	Name     string
	Pattern  string // a regular expression; its named groups become labels
	State    string // of the event, in which $name is a group; "" for Name
	Severity string // "" for the line's own
}

// matcher is a Match, ready to use.
type matcher struct {
	Match
	re      *regexp.Regexp
	literal string // that stands in all it matches
	fixed   bool   // the state has no groups in it
}

func newMatcher(m Match) (matcher, error) {
	re, err := regexp.Compile(m.Pattern)
	if err != nil {
		return matcher{}, fmt.Errorf("cannot use match %s: %w", m.Name, err)
	}
	if m.State == "" {
		m.State = strings.ReplaceAll(m.Name, "$", "$$")
	}
	return matcher{Match: m, re: re, literal: required(m.Pattern), fixed: !strings.Contains(m.State, "$")}, nil
}

// hit is what a line that matched makes.
type hit struct {
	match, state, severity string
	labels                 map[string]string // of the groups that took part
}

// find looks for the match in a text.
func (m *matcher) find(text string) (hit, bool) {
	if m.literal != "" && !strings.Contains(text, m.literal) {
		return hit{}, false
	}
	if m.fixed && m.re.NumSubexp() == 0 {
		return hit{match: m.Name, state: m.State, severity: m.Severity}, m.re.MatchString(text)
	}
	at := m.re.FindStringSubmatchIndex(text)
	if at == nil {
		return hit{}, false
	}
	h := hit{match: m.Name, state: m.State, severity: m.Severity, labels: map[string]string{}}
	for n, name := range m.re.SubexpNames() {
		if name != "" && at[2*n] >= 0 {
			h.labels[name] = shown(text[at[2*n]:at[2*n+1]], longestLabel)
		}
	}
	if !m.fixed {
		h.state = shown(string(m.re.ExpandString(nil, m.State, text, at)), longestLabel)
	}
	if strings.TrimSpace(h.state) == "" {
		h.state = m.Name // all its groups are empty here, and an event has a state
	}
	return h, true
}

// shown is text as it may go into an event: valid, in one line, of bounded length.
func shown(s string, most int) string {
	if len(s) > 4*most {
		s = cut(s, 4*most) // what follows need not go through all of it
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if strings.ContainsFunc(s, isControl) {
		s = strings.Map(func(r rune) rune {
			if isControl(r) {
				return ' '
			}
			return r
		}, s)
	}
	return cut(s, most)
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// labelled adds labels, which count before those there are.
func labelled(labels map[string]string, more map[string]string) map[string]string {
	out := make(map[string]string, len(labels)+len(more))
	maps.Copy(out, labels)
	for k, v := range more {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

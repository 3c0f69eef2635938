package config

import (
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the candidate most like s, "" where none is like it. Case
// counts for nothing; of equals the first wins.
func nearest(s string, candidates []string) string {
	const longest = 64 // comparing costs the product of the lengths
	if s == "" || len(s) > longest {
		return ""
	}
	lower := strings.ToLower(s)
	allowed := (len(lower) + 2) / 3
	best, least := "", allowed+1
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		// The bounded distance is quick, but may be less than it really is.
		word := strings.ToLower(c)
		d := levenshtein.Distance(lower, word, levenshtein.NewParams().MaxCost(allowed))
		if d < least {
			d = levenshtein.Distance(lower, word, nil)
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// guessed is how many problems get a suggestion: it costs a comparison with
// every candidate, and a file with more mistakes has another fault.
const guessed = 100

// suggestion returns `; did you mean "x"?`, or "" where nothing is near.
func (r *report) suggestion(s string, candidates []string) string {
	if len(r.problems) >= guessed {
		return ""
	}
	if near := nearest(s, candidates); near != "" {
		return "; did you mean " + quoted(near) + "?"
	}
	return ""
}

// choices is suggestion that lists the candidates where nothing is near.
func (r *report) choices(s string, candidates []string) string {
	if hint := r.suggestion(s, candidates); hint != "" {
		return hint
	}
	const few = 12
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	if len(candidates) == 1 {
		return "; there is only " + candidates[0]
	}
	return "; there are " + strings.Join(candidates, ", ")
}

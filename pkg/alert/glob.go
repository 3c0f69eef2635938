package alert

// glob tells whether a text matches a pattern, in which * stands for any
// characters, none as well, and ? for one. An empty pattern matches everything.
func glob(pattern, text string) bool {
	return pattern == "" || match([]rune(pattern), []rune(text))
}

// match goes back to the last * only: what an earlier one could take the last one
// can take too.
func match(pattern, text []rune) bool {
	p, t := 0, 0
	star, from := -1, 0 // where the last * stands, and where what it takes ends
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// anyGlob tells whether one of the patterns matches; none match everything.
func anyGlob(patterns []string, text string) bool {
	for _, p := range patterns {
		if glob(p, text) {
			return true
		}
	}
	return len(patterns) == 0
}

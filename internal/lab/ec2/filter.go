package ec2

import "strings"

// maxFilterValues is the most a call may have, in all its filters.
const maxFilterValues = 200

// filter is one condition of a listing: any value of the resource's field matches any of
// the patterns.
type filter struct {
	name     string
	patterns []string
}

// readFilters reads Filter.N.Name and Filter.N.Value.M.
func readFilters(p params) ([]filter, *Error) {
	var filters []filter
	values := 0
	for _, f := range p.structures("Filter") {
		name, err := f.need("Name")
		if err != nil {
			return nil, err
		}
		patterns := f.list("Value")
		if len(patterns) == 0 {
			return nil, refuse("InvalidParameterValue", "The filter '%s' has no values", name)
		}
		if values += len(patterns); values > maxFilterValues {
			return nil, refuse("FilterLimitExceeded",
				"The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		filters = append(filters, filter{name, patterns})
	}
	return filters, nil
}

// fields gives the values of a resource under a filter's name; ok is false where the
// resource has no such filter.
type fields func(name string) (values []string, ok bool)

// match tells whether the resource passes all filters.
func match(filters []filter, of fields) (bool, *Error) {
	all := true
	for _, f := range filters {
		values, ok := of(f.name)
		if !ok {
			return false, refuse("InvalidParameterValue", "The filter '%s' is invalid", f.name)
		}
		all = all && f.passes(values)
	}
	return all, nil
}

// chosen keeps the resources that pass the filters. A filter that does not exist is
// refused even where nothing is there to be filtered.
func chosen[T any](resources []T, filters []filter, of func(T) fields) ([]T, *Error) {
	var none T
	if _, err := match(filters, of(none)); err != nil {
		return nil, err
	}
	var kept []T
	for _, r := range resources {
		if yes, err := match(filters, of(r)); err != nil {
			return nil, err
		} else if yes {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

func (f filter) passes(values []string) bool {
	for _, v := range values {
		for _, pattern := range f.patterns {
			if wild(pattern, v) {
				return true
			}
		}
	}
	return false
}

// tagFields answers the filters every tagged resource has: tag:KEY, tag-key, tag-value.
func tagFields(tags []tag, name string) (values []string, ok bool) {
	key, one := strings.CutPrefix(name, "tag:")
	for _, t := range tags {
		switch {
		case one && t.Key == key, name == "tag-value":
			values = append(values, t.Value)
		case name == "tag-key":
			values = append(values, t.Key)
		}
	}
	return values, one || name == "tag-key" || name == "tag-value"
}

// wild matches a pattern in which * is any text, ? any one byte, and \ takes the next
// byte as it is.
func wild(pattern, text string) bool {
	// On a mismatch the last star takes one byte more; earlier ones never need to.
	star, from := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch step := one(pattern[p:], text[t]); {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case step > 0:
			p += step
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one is the length of the pattern's first element if that matches the byte, else 0.
func one(pattern string, b byte) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == b {
			return 2
		}
		return 0
	case pattern[0] == '?' || pattern[0] == b:
		return 1
	}
	return 0
}

package ec2

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxParams is far more than a request with full lists has.
const maxParams = 4000

// params are the parameters of a request; lists and structures are spelled out in the
// names: Filter.1.Name, Filter.1.Value.1.
type params map[string]string

// parseParams reads a query string.
func parseParams(query string) (params, *Error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, refuse("MalformedQueryString", "The query string is malformed: %v", err)
	}
	if len(values) > maxParams {
		return nil, refuse("InvalidParameterCombination", "The request has more than %d parameters", maxParams)
	}
	p := params{}
	for name, all := range values {
		if len(all) != 1 {
			return nil, refuse("InvalidParameterCombination", "The parameter %s is given more than once", name)
		}
		p[name] = all[0]
	}
	return p, nil
}

// list gathers name.1, name.2, … by number.
func (p params) list(name string) []string {
	var found []string
	for _, n := range p.numbers(name) {
		if value, ok := p[name+"."+n]; ok {
			found = append(found, value)
		}
	}
	return found
}

// structures gathers name.1.x, name.2.x, … by number, each with the names left of it.
func (p params) structures(name string) []params {
	var found []params
	for _, n := range p.numbers(name) {
		if inner := p.below(name + "." + n); len(inner) > 0 {
			found = append(found, inner)
		}
	}
	return found
}

// below is the structure of that name.
func (p params) below(name string) params {
	inner := params{}
	for key, value := range p {
		if rest, ok := strings.CutPrefix(key, name+"."); ok {
			inner[rest] = value
		}
	}
	return inner
}

// numbers are the numbers used after a name, as they are written, in their order.
func (p params) numbers(name string) []string {
	var found []string
	for key := range p {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		n, _, _ := strings.Cut(rest, ".")
		if _, err := strconv.ParseUint(n, 10, 31); err == nil && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		if x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	return found
}

// integer is a number, or absent where it is not given.
func (p params) integer(name string, absent int) (int, *Error) {
	text, ok := p[name]
	if !ok {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, badValue(text, name, "Expecting a number.")
	}
	return int(n), nil
}

// yes is a boolean; false where it is not given.
func (p params) yes(name string) bool { return strings.EqualFold(p[name], "true") }

// need returns a parameter that must be there.
func (p params) need(name string) (string, *Error) {
	if p[name] == "" {
		return "", missing(name)
	}
	return p[name], nil
}

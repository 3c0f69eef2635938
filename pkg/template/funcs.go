package template

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// function is one that templates can call.
type function func(args []any) (any, error)

// functions are all of them, by name: those of Go's text/template that plain data have a use
// for, and whole numbers' arithmetic.
func functions() map[string]function {
	return map[string]function{
		"and": last, "or": last, "not": not, "len": length, "index": index, "printf": printf, "join": join,
		"eq": equal, "ne": func(a []any) (any, error) { v, err := equal(a); return v == false, err },
		"lt":  compare(func(c int) bool { return c < 0 }),
		"le":  compare(func(c int) bool { return c <= 0 }),
		"gt":  compare(func(c int) bool { return c > 0 }),
		"ge":  compare(func(c int) bool { return c >= 0 }),
		"add": arithmetic(func(a, b int) int { return a + b }),
		"sub": arithmetic(func(a, b int) int { return a - b }),
		"mul": arithmetic(func(a, b int) int { return a * b }),
		"div": divide,
		"max": arithmetic(func(a, b int) int { return max(a, b) }),
		"min": arithmetic(func(a, b int) int { return min(a, b) }),
	}
}

// known are the names of the functions, as the parser wants them.
func known() map[string]any {
	out := map[string]any{}
	for name := range functions() {
		out[name] = true
	}
	return out
}

// decided tells whether an argument of and, or settles it.
func decided(function string, v any) bool {
	return function == "and" && !truth(v) || function == "or" && truth(v)
}

var errArguments = errors.New("it has too few arguments, too many, or some of another kind")

func last(a []any) (any, error) {
	if len(a) == 0 {
		return nil, errArguments
	}
	return a[len(a)-1], nil
}

func not(a []any) (any, error) {
	if len(a) != 1 {
		return nil, errArguments
	}
	return !truth(a[0]), nil
}

func length(a []any) (any, error) {
	if len(a) == 1 {
		switch v := a[0].(type) {
		case string:
			return len(v), nil
		case []any:
			return len(v), nil
		case map[string]any:
			return len(v), nil
		}
	}
	return nil, errArguments
}

func index(a []any) (any, error) {
	if len(a) != 2 {
		return nil, errArguments
	}
	if m, is := a[0].(map[string]any); is {
		key, _ := a[1].(string)
		v, there := m[key]
		if _, refused := v.(Refused); !there || refused {
			return nil, fmt.Errorf("there is no %q", key)
		}
		return v, nil
	}
	list, is := a[0].([]any)
	n, number := a[1].(int)
	if !is || !number {
		return nil, errArguments
	}
	if n < 0 || n >= len(list) {
		return nil, fmt.Errorf("there is no item %d, only %d of them", n, len(list))
	}
	return list[n], nil
}

func printf(a []any) (any, error) {
	if len(a) > 0 {
		if format, is := a[0].(string); is {
			return fmt.Sprintf(format, a[1:]...), nil
		}
	}
	return nil, errArguments
}

// join puts the texts of a list together: {{ join ", " .names }}.
func join(a []any) (any, error) {
	if len(a) != 2 {
		return nil, errArguments
	}
	between, text := a[0].(string)
	list, is := a[1].([]any)
	if !text || !is {
		return nil, errArguments
	}
	words := make([]string, len(list))
	for n, v := range list {
		word, err := shown(v)
		if err != nil {
			return nil, err
		}
		words[n] = word
	}
	return strings.Join(words, between), nil
}

// equal tells whether the first is any of the others.
func equal(a []any) (any, error) {
	if len(a) < 2 {
		return nil, errArguments
	}
	for _, v := range a {
		switch v.(type) {
		case string, int, bool:
		default:
			return nil, errArguments
		}
	}
	for _, v := range a[1:] {
		if v == a[0] {
			return true, nil
		}
	}
	return false, nil
}

func compare(yes func(int) bool) function {
	return func(a []any) (any, error) {
		if len(a) != 2 {
			return nil, errArguments
		}
		if x, y, are := numbers(a); are {
			return yes(cmp.Compare(x, y)), nil
		}
		x, one := a[0].(string)
		y, two := a[1].(string)
		if !one || !two {
			return nil, errArguments
		}
		return yes(cmp.Compare(x, y)), nil
	}
}

func arithmetic(of func(a, b int) int) function {
	return func(a []any) (any, error) {
		x, y, are := numbers(a)
		if !are {
			return nil, errArguments
		}
		return of(x, y), nil
	}
}

func divide(a []any) (any, error) {
	x, y, are := numbers(a)
	switch {
	case !are:
		return nil, errArguments
	case y == 0:
		return nil, errors.New("cannot divide by 0")
	}
	return x / y, nil
}

func numbers(a []any) (x, y int, are bool) {
	if len(a) != 2 {
		return 0, 0, false
	}
	x, one := a[0].(int)
	y, two := a[1].(int)
	return x, y, one && two
}

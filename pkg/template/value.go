package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// pipe is what a pipeline comes to; it also names that where the template says so.
func (e *evaluator) pipe(p *parse.PipeNode, dot any) (any, error) {
	v, err := e.value(p, dot)
	if err != nil {
		return nil, err
	}
	return v, e.assign(p, v)
}

// value is what the commands of a pipeline come to, each the last argument of the next.
func (e *evaluator) value(p *parse.PipeNode, dot any) (v any, err error) {
	for n, c := range p.Cmds {
		var before []any
		if n > 0 {
			before = []any{v}
		}
		if v, err = e.command(c, dot, before); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// command is a value, or a function and its arguments.
func (e *evaluator) command(c *parse.CommandNode, dot any, last []any) (any, error) {
	if e.left--; e.left < 0 {
		return nil, e.failed(c, "the template does not come to an end")
	}
	name, is := c.Args[0].(*parse.IdentifierNode)
	if !is {
		if len(c.Args)+len(last) > 1 {
			return nil, e.failed(c, "%s is no function and takes no arguments", c.Args[0])
		}
		return e.arg(c.Args[0], dot)
	}
	var args []any
	for _, n := range c.Args[1:] {
		v, err := e.arg(n, dot)
		if err != nil {
			return nil, err
		}
		// As in Go, the first argument that decides is the last one looked at.
		if args = append(args, v); decided(name.Ident, v) {
			return v, nil
		}
	}
	v, err := functions()[name.Ident](append(args, last...))
	if err != nil {
		return nil, e.failed(c, "%s: %v", name.Ident, err)
	}
	return v, nil
}

func (e *evaluator) arg(n parse.Node, dot any) (any, error) {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.FieldNode:
		return e.fields(n, dot, n.Ident)
	case *parse.VariableNode:
		at := e.variable(n.Ident[0])
		if at < 0 {
			return nil, e.failed(n, "there is no variable %s", n.Ident[0])
		}
		return e.fields(n, e.vars[at].value, n.Ident[1:])
	case *parse.ChainNode:
		v, err := e.arg(n.Node, dot)
		if err != nil {
			return nil, err
		}
		return e.fields(n, v, n.Field)
	case *parse.PipeNode:
		return e.pipe(n, dot)
	case *parse.StringNode:
		return n.Text, nil
	case *parse.BoolNode:
		return n.True, nil
	case *parse.NumberNode:
		if n.IsInt {
			return int(n.Int64), nil
		}
	case *parse.IdentifierNode:
		return e.command(&parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{n}}, dot, nil)
	}
	return nil, e.failed(n, "%s is neither text nor a whole number", n)
}

// fields goes from a value to what its parts are called.
func (e *evaluator) fields(n parse.Node, v any, names []string) (any, error) {
	for _, name := range names {
		m, is := v.(map[string]any)
		if !is {
			return nil, e.failed(n, "%s has no parts, and so no %s", called(v), name)
		}
		next, there := m[name]
		if !there {
			return nil, e.failed(n, "there is no %s, only %s", name, strings.Join(slices.Sorted(maps.Keys(m)), ", "))
		}
		if refused, is := next.(Refused); is {
			return nil, e.failed(n, "%s is not to be had here: %s", name, string(refused))
		}
		v = next
	}
	return v, nil
}

// Refused stands for a value that this template must not have, and says why.
type Refused string

// each are the keys and items of what is ranged over.
func each(v any) (keys, items []any, err error) {
	switch v := v.(type) {
	case []any:
		for n, item := range v {
			keys, items = append(keys, n), append(items, item)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			keys, items = append(keys, k), append(items, v[k])
		}
	case nil:
	default:
		return nil, nil, fmt.Errorf("cannot go through %s: it is no list", called(v))
	}
	return keys, items, nil
}

// truth is false for nothing, 0, an empty text, list or map.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// shown is a value as it stands in the text.
func shown(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "", errors.New("cannot write nothing")
	}
	return "", fmt.Errorf("cannot write %s as text", called(v))
}

// called says what kind of value it is, without its content, which may be a secret.
func called(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a set of values"
	case nil:
		return "nothing"
	}
	return "this"
}

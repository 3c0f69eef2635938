package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
)

// Template is a text with actions between "{{" and "}}".
type Template struct {
	tree *parse.Tree            // nil for an empty text
	set  map[string]*parse.Tree // what it defines, by name
}

// Parse reads a template. The error begins with name and the line.
func Parse(name, text string) (Template, error) {
	set, err := parse.Parse(name, text, "", "", known())
	if err != nil {
		return Template{}, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return Template{tree: set[name], set: set}, nil
}

// Render executes the template. The error begins with the template's name and the line.
func (t Template) Render(data map[string]any) (string, error) {
	if t.tree == nil {
		return "", nil
	}
	var b strings.Builder
	e := evaluator{out: &b, set: t.set, left: mostSteps}
	err := e.run(t.tree, data)
	return b.String(), err
}

// The bounds of one rendering: a template that calls itself comes to an end.
const (
	mostSteps = 200_000
	mostDepth = 50
)

// evaluator is one rendering.
type evaluator struct {
	out   *strings.Builder
	set   map[string]*parse.Tree
	tree  *parse.Tree
	vars  []variable
	left  int // steps
	depth int
}

type variable struct {
	name  string
	value any
}

// flow is how the rest of a list is gone on with.
type flow int

const (
	goOn flow = iota
	breakOff
	nextTurn
)

// failed tells where in the template something went wrong.
func (e *evaluator) failed(n parse.Node, format string, a ...any) error {
	at, _ := e.tree.ErrorContext(n)
	return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, a...))
}

// run executes a tree with data of its own.
func (e *evaluator) run(tree *parse.Tree, dot any) error {
	before, vars := e.tree, e.vars
	e.tree, e.vars = tree, []variable{{"$", dot}}
	defer func() { e.tree, e.vars = before, vars }()
	_, err := e.walk(tree.Root, dot)
	return err
}

func (e *evaluator) walk(n parse.Node, dot any) (flow, error) {
	if e.left--; e.left < 0 {
		return goOn, e.failed(n, "the template does not come to an end")
	}
	switch n := n.(type) {
	case *parse.TextNode:
		e.out.Write(n.Text)
	case *parse.ActionNode:
		return goOn, e.action(n, dot)
	case *parse.ListNode:
		return e.list(n, dot)
	case *parse.IfNode:
		return e.branch(&n.BranchNode, dot, false)
	case *parse.WithNode:
		return e.branch(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		return goOn, e.turns(n, dot)
	case *parse.BreakNode:
		return breakOff, nil
	case *parse.ContinueNode:
		return nextTurn, nil
	case *parse.TemplateNode:
		return goOn, e.call(n, dot)
	}
	return goOn, nil // a comment
}

func (e *evaluator) list(n *parse.ListNode, dot any) (flow, error) {
	mark := len(e.vars)
	defer func() { e.vars = e.vars[:mark] }()
	for _, item := range n.Nodes {
		if f, err := e.walk(item, dot); err != nil || f != goOn {
			return f, err
		}
	}
	return goOn, nil
}

// action prints what a pipeline comes to, unless it names that.
func (e *evaluator) action(n *parse.ActionNode, dot any) error {
	v, err := e.pipe(n.Pipe, dot)
	if err != nil || len(n.Pipe.Decl) > 0 {
		return err
	}
	text, err := shown(v)
	if err != nil {
		return e.failed(n, "%v", err)
	}
	e.out.WriteString(text)
	return nil
}

func (e *evaluator) branch(n *parse.BranchNode, dot any, with bool) (flow, error) {
	mark := len(e.vars)
	defer func() { e.vars = e.vars[:mark] }()
	v, err := e.pipe(n.Pipe, dot)
	switch {
	case err != nil:
		return goOn, err
	case truth(v) && with:
		return e.list(n.List, v)
	case truth(v):
		return e.list(n.List, dot)
	case n.ElseList != nil:
		return e.list(n.ElseList, dot)
	}
	return goOn, nil
}

// turns executes a range over a list, or over a map in the order of its keys.
func (e *evaluator) turns(n *parse.RangeNode, dot any) error {
	mark := len(e.vars)
	defer func() { e.vars = e.vars[:mark] }()
	v, err := e.value(n.Pipe, dot)
	if err != nil {
		return err
	}
	keys, items, err := each(v)
	if err != nil {
		return e.failed(n, "%v", err)
	}
	if len(items) == 0 && n.ElseList != nil {
		_, err := e.list(n.ElseList, dot)
		return err
	}
	for i, item := range items {
		e.vars = e.vars[:mark]
		switch decl := n.Pipe.Decl; len(decl) {
		case 1:
			e.vars = append(e.vars, variable{decl[0].Ident[0], item})
		case 2:
			e.vars = append(e.vars, variable{decl[0].Ident[0], keys[i]}, variable{decl[1].Ident[0], item})
		}
		f, err := e.list(n.List, item)
		if err != nil || f == breakOff {
			return err
		}
	}
	return nil
}

// call executes a template by name.
func (e *evaluator) call(n *parse.TemplateNode, dot any) error {
	tree := e.set[n.Name]
	if tree == nil {
		return e.failed(n, "there is no template %q", n.Name)
	}
	if e.depth >= mostDepth {
		return e.failed(n, "the template %q calls itself too often", n.Name)
	}
	var data any
	if n.Pipe != nil {
		var err error
		if data, err = e.pipe(n.Pipe, dot); err != nil {
			return err
		}
	}
	e.depth++
	defer func() { e.depth-- }()
	return e.run(tree, data)
}

// assign names a value, or gives another one to a name.
func (e *evaluator) assign(p *parse.PipeNode, v any) error {
	for _, d := range p.Decl {
		if !p.IsAssign {
			e.vars = append(e.vars, variable{d.Ident[0], v})
			continue
		}
		n := e.variable(d.Ident[0])
		if n < 0 {
			return e.failed(d, "there is no variable %s", d.Ident[0])
		}
		e.vars[n].value = v
	}
	return nil
}

// variable is where the innermost variable of the name stands, -1 for nowhere.
func (e *evaluator) variable(name string) int {
	for n, v := range slices.Backward(e.vars) {
		if v.name == name {
			return n
		}
	}
	return -1
}

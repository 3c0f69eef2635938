package config

import "github.com/goccy/go-yaml/ast"

// bindAliases finds for every alias the anchor of its name that was complete
// before it. An anchor is not known inside its own value, so that following
// aliases always ends.
func bindAliases(root ast.Node) map[*ast.AliasNode]ast.Node {
	b := binder{anchors: map[string]ast.Node{}, aliases: map[*ast.AliasNode]ast.Node{}}
	b.walk(root)
	return b.aliases
}

type binder struct {
	anchors map[string]ast.Node
	aliases map[*ast.AliasNode]ast.Node
}

// walk goes in the order of the file; its depth was bounded with the tokens.
func (b *binder) walk(n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			b.walk(v)
		}
	case *ast.MappingValueNode:
		b.walk(n.Key)
		b.walk(n.Value)
	case *ast.MappingKeyNode:
		b.walk(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			b.walk(v)
		}
	case *ast.AnchorNode:
		b.walk(n.Value)
		if n.Name != nil {
			b.anchors[n.Name.GetToken().Value] = n.Value
		}
	case *ast.AliasNode:
		if n.Value != nil {
			if target, ok := b.anchors[n.Value.GetToken().Value]; ok {
				b.aliases[n] = target
			}
		}
	}
}

// mostAliased is how many values may be reached through aliases in all: aliases
// of aliases multiply.
const mostAliased = 200_000

// resolve goes through anchors and aliases to the value itself, and counts in
// d.within how many aliases it took. It returns nil after reporting an alias that
// names nothing.
func (d *decoder) resolve(n ast.Node) ast.Node {
	for {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			target, ok := d.doc.aliases[x]
			if !ok {
				d.problem(startOf(x), "the alias names no anchor above it; text that begins with * goes in quotes")
				return nil
			}
			d.within++
			n = target
		default:
			return n
		}
	}
}

// spent counts values reached through aliases and tells whether they are too many.
func (d *decoder) spent(n ast.Node, values int) bool {
	if d.within == 0 {
		return false
	}
	already := d.aliased > mostAliased
	d.aliased += values
	if d.aliased > mostAliased && !already {
		d.problem(startOf(n), "aliases bring more than %d values, those within aliases counted again", mostAliased)
	}
	return d.aliased > mostAliased
}

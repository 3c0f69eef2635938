package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// commentKey is a key of one of the types.
type commentKey struct {
	in  reflect.Type
	key string
}

// comments are the descriptions of keys.
type comments map[commentKey]string

// sampleComments reads the descriptions from the sample: the comment right above
// the first of the lines on which a key stands with one.
func sampleComments() (comments, error) {
	r := &report{file: "sample.yaml"}
	text := completeSample()
	doc := parseSyntax([]byte(text), r)
	if doc == nil {
		return nil, fmt.Errorf("cannot read sample configuration: %w", r.err())
	}
	reader := commentReader{lines: strings.Split(text, "\n"), rules: rules{}, found: comments{}}
	reader.walk(doc.root, reflect.TypeFor[Config](), false)
	return reader.found, nil
}

type commentReader struct {
	lines []string
	rules rules
	found comments
}

func (c *commentReader) walk(n ast.Node, t reflect.Type, keyed bool) {
	switch {
	case t.Kind() == reflect.Pointer:
		c.walk(n, t.Elem(), keyed)
	case t.Kind() == reflect.Slice && keyed:
		for _, pair := range mappingValues(n) {
			c.walk(pair.Value, t.Elem(), false)
		}
	case t.Kind() == reflect.Slice:
		if list, ok := n.(*ast.SequenceNode); ok {
			for _, item := range list.Values {
				c.walk(item, t.Elem(), false)
			}
		}
	case t.Kind() == reflect.Struct:
		known := c.rules.of(t).byKey
		for _, pair := range mappingValues(n) {
			key, _ := keyText(pair.Key)
			if r, ok := known[key]; ok {
				c.note(commentKey{t, key}, startOf(pair.Key).line)
				c.walk(pair.Value, t.Field(r.index).Type, r.keyed)
			}
		}
	}
}

// note keeps the comment above a line, unless the key has one.
func (c *commentReader) note(k commentKey, line int) {
	if c.found[k] != "" {
		return
	}
	var text []string
	for i := line - 2; i >= 0; i-- {
		words, ok := strings.CutPrefix(strings.TrimSpace(c.lines[i]), "# ")
		if !ok {
			break
		}
		text = append([]string{words}, text...)
	}
	c.found[k] = strings.Join(text, " ")
}

package config

import (
	"net/netip"
	"reflect"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/clmgr/clmgr/pkg/secret"
)

// decoder fills a Config from a document. It also remembers where each value
// stood, by the address of the field it went to: that tells later checks where
// to point, and what was set from what was left out.
type decoder struct {
	*report
	doc   *document
	known Known
	rules rules
	paths paths
	at    map[any]place // pointer to field or element → its value's place
	bad   map[any]bool  // pointer to what is of another kind than wanted
	// described has the modes of the file by name.
	described map[string]*Mode
	// repositories are the names of those of the file.
	repositories []string
	within       int     // aliases that the current value was reached through
	aliased      int     // values reached through aliases so far
	clear        []place // secrets that stand in the file itself
}

// set tells whether the file gives the field that ptr points to.
func (d *decoder) set(ptr any) bool {
	_, ok := d.at[ptr]
	return ok
}

// where returns the place of the first of the pointers that the file gives.
func (d *decoder) where(ptrs ...any) place {
	for _, p := range ptrs {
		if at, ok := d.at[p]; ok {
			return at
		}
	}
	return place{1, 1}
}

// value decodes a node into v, which is addressable.
func (d *decoder) value(n ast.Node, v reflect.Value, r *rule) {
	at := startOf(n)
	before := d.within
	defer func() { d.within = before }()
	if n = d.resolve(n); n == nil || d.spent(n, 1) {
		d.at[v.Addr().Interface()], d.bad[v.Addr().Interface()] = at, true
		return
	}
	switch v.Addr().Interface().(type) {
	case *time.Duration, *netip.Addr, *secret.Value:
		d.scalar(n, v, r)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if d.branch(n, v, "a mapping (key: value)") {
			d.structure(n, v)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.at[v.Addr().Interface()] = at
		d.value(n, v.Elem(), r)
	case reflect.Slice:
		switch {
		case r.keyed:
			if d.branch(n, v, "a mapping (name: value)") {
				d.keyed(n, v, r)
			}
		case d.branch(n, v, "a list"):
			d.list(n, v, r)
		}
	case reflect.Map:
		if d.branch(n, v, "a mapping (name: text)") {
			d.texts(n, v, r)
		}
	default:
		d.scalar(n, v, r)
	}
}

// branch tells whether n is a mapping or list as v wants it; nothing at all
// stands for an empty one.
func (d *decoder) branch(n ast.Node, v reflect.Value, wanted string) bool {
	if _, ok := n.(*ast.NullNode); ok {
		return false
	}
	d.at[v.Addr().Interface()] = startOf(n)
	list := wanted == "a list"
	_, isList := n.(*ast.SequenceNode)
	if list == isList && (list || isMapping(n)) {
		return true
	}
	d.bad[v.Addr().Interface()] = true
	d.problem(startOf(n), "found %s, wanted %s", describe(n), wanted)
	return false
}

func (d *decoder) structure(n ast.Node, v reflect.Value) {
	s := d.rules.of(v.Type())
	for _, e := range d.entries(n) {
		r, ok := s.byKey[e.key]
		if !ok {
			d.problem(e.at, "unknown key %s%s", quoted(e.key), d.choices(e.key, s.keys))
			continue
		}
		d.value(e.value, v.Field(r.index), r)
	}
}

// keyed decodes a mapping of names to values into a list.
func (d *decoder) keyed(n ast.Node, v reflect.Value, r *rule) {
	entries := d.entries(n)
	v.Set(reflect.MakeSlice(v.Type(), len(entries), len(entries)))
	name := d.rules.of(v.Type().Elem()).name
	for i, e := range entries {
		item := v.Index(i)
		field := item.Field(name.index)
		field.SetString(e.key)
		d.at[field.Addr().Interface()] = e.at
		d.text(e.key, e.at, name)
		d.value(e.value, item, r)
	}
}

// texts decodes a mapping of names to texts.
func (d *decoder) texts(n ast.Node, v reflect.Value, r *rule) {
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range d.entries(n) {
		var text string
		d.value(e.value, reflect.ValueOf(&text).Elem(), r)
		v.SetMapIndex(reflect.ValueOf(e.key), reflect.ValueOf(text))
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, r *rule) {
	values := n.(*ast.SequenceNode).Values
	// Made at its final length: the addresses of the elements are kept.
	v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
	for i, value := range values {
		item := v.Index(i)
		d.at[item.Addr().Interface()] = startOf(value)
		d.value(value, item, r)
	}
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    place // of the key
	value ast.Node
}

// entries returns the keys of a mapping in the order of the file, first its own,
// then those that merge keys (<<) bring and it has not itself. A key that is no
// word or comes twice is reported and left out.
func (d *decoder) entries(n ast.Node) []entry {
	seen := map[string]place{}
	var own []entry
	var merged []ast.Node
	for _, e := range mappingValues(n) {
		if e.Key != nil && e.Key.IsMergeKey() {
			merged = append(merged, e.Value)
			continue
		}
		at := startOf(e.Key)
		key, ok := keyText(e.Key)
		if !ok {
			d.problem(at, "found %s, wanted a word as key", describe(e.Key))
			continue
		}
		if first, twice := seen[key]; twice {
			d.problem(at, "the key %s stands here twice; the first is at line %d", quoted(key), first.line)
			continue
		}
		seen[key] = at
		own = append(own, entry{key, at, e.Value})
	}
	for _, m := range merged {
		for _, e := range d.mergedEntries(m) {
			if _, has := seen[e.key]; !has {
				seen[e.key] = e.at
				own = append(own, e)
			}
		}
	}
	return own
}

// mergedEntries returns what a merge key brings: a mapping, or a list of them of
// which the first has the first word.
func (d *decoder) mergedEntries(n ast.Node) []entry {
	at := startOf(n)
	before := d.within
	defer func() { d.within = before }()
	n = d.resolve(n)
	if n == nil {
		return nil
	}
	if isMapping(n) {
		return d.brought(n)
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(at, "found %s after the merge key <<, wanted a mapping", describe(n))
		return nil
	}
	var all []entry
	for _, item := range list.Values {
		if m := d.resolve(item); m != nil && isMapping(m) {
			all = append(all, d.brought(m)...)
		} else if m != nil {
			d.problem(startOf(item), "found %s after the merge key <<, wanted a mapping", describe(m))
		}
	}
	return all
}

// brought is the entries of a mapping that a merge key names.
func (d *decoder) brought(n ast.Node) []entry {
	if d.spent(n, len(mappingValues(n))) {
		return nil
	}
	return d.entries(n)
}

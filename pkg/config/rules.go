package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// rule is what the tags say about a field.
type rule struct {
	index    int    // of the field in its struct
	key      string // in the file
	keyed    bool   // a mapping in the file, a list of values with a Name here
	standard string // the default as the file would write it, "" for none
	enum     []string
	min, max int           // of a number; both 0 for no bounds
	least    time.Duration // of a duration; 0 for any
	check    string
	need     bool   // must be there
	one      bool   // exactly one of the fields with this must be there
	instead  bool   // or, without any of those, this one
	without  string // a key of its struct that must not be there
}

// rules knows the fields of the struct types met, each read once.
type rules map[reflect.Type]*structRules

type structRules struct {
	fields []rule
	byKey  map[string]*rule
	keys   []string // in the order of the struct
	name   *rule    // of the Name that a mapping's key gives, nil for other structs
}

func (r rules) of(t reflect.Type) *structRules {
	if known, ok := r[t]; ok {
		return known
	}
	s := &structRules{byKey: map[string]*rule{}}
	for i := range t.NumField() {
		f := newRule(i, t.Field(i).Tag)
		if f.key != "-" {
			s.fields = append(s.fields, f)
			s.keys = append(s.keys, f.key)
		} else if f.check == "name" {
			s.name = &f
		}
	}
	for i := range s.fields {
		s.byKey[s.fields[i].key] = &s.fields[i]
	}
	r[t] = s
	return s
}

func newRule(index int, tag reflect.StructTag) rule {
	r := rule{index: index, standard: tag.Get("default"), check: tag.Get("check")}
	r.need, r.one, r.without = tag.Get("need") != "", tag.Get("one") != "", tag.Get("without")
	r.instead = tag.Get("instead") != ""
	var option string
	r.key, option, _ = strings.Cut(tag.Get("yaml"), ",")
	r.keyed = option == "keyed"
	if enum := tag.Get("enum"); enum != "" {
		r.enum = strings.Split(enum, "|")
	}
	r.min, r.max = atoi(tag.Get("min")), atoi(tag.Get("max"))
	r.least, _ = parseDuration(tag.Get("min")) // a number is none
	return r
}

// atoi reads the number in a tag, 0 where there is none.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

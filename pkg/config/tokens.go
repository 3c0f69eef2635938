package config

import "github.com/goccy/go-yaml/token"

// What the YAML parser makes of hostile files must be bounded before it runs: it
// recurses for every level of nesting and for every key of a block mapping, keeps
// every value's path, and needs the square of the keys' number of time.
const (
	deepest  = 100  // levels of nesting
	widest   = 5000 // keys in one block mapping
	mostDocs = 10   // documents, of which only one is allowed, told later
	// emptiest is how many keys and entries without a value there may be, times
	// the number of tokens: for each the parser moves all that follow.
	emptiest = 4_000_000_000
)

// checkTokens refuses what the parser cannot bear, and tags, which mean nothing
// here.
func checkTokens(tokens token.Tokens, r *report) bool {
	var shape shape
	docs, empty := 0, 0
	for i, t := range tokens {
		shape.add(t)
		if isEmpty(t) {
			empty++
		}
		switch {
		case empty*len(tokens) > emptiest:
			r.problem(tokenPlace(t), "more than %d keys and entries have no value, which is too many for a file of this size", empty-1)
		case t.Type == token.TagType:
			r.problem(tokenPlace(t), "YAML tags are not understood; text that begins with ! goes in quotes")
		case t.Type == token.AnchorType && i >= 2 && tokens[i-2].Type == token.AnchorType:
			r.problem(tokenPlace(t), "YAML: two anchors in a row")
		case shape.depth() > deepest:
			r.problem(tokenPlace(t), "values are nested more than %d deep", deepest)
		case shape.width() > widest:
			r.problem(tokenPlace(t), "a mapping has more than %d keys", widest)
		case t.Type == token.DocumentHeaderType && docs == mostDocs:
			r.problem(tokenPlace(t), "the file has more than %d YAML documents; the configuration is one", mostDocs)
		default:
			if t.Type == token.DocumentHeaderType {
				docs++
			}
			continue
		}
		return false
	}
	return true
}

// shape follows the nesting of a stream of tokens: open brackets, and outside of
// them the blocks that still go on.
type shape struct {
	brackets int
	blocks   []block
}

// block is a block mapping or list.
type block struct {
	column int // at which its keys or dashes stand
	keys   int
}

func (s *shape) depth() int { return max(s.brackets, 0) + len(s.blocks) }

// width is the number of keys so far of the innermost block.
func (s *shape) width() int {
	if len(s.blocks) == 0 {
		return 0
	}
	return s.blocks[len(s.blocks)-1].keys
}

func (s *shape) add(t *token.Token) {
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		s.brackets++
	case token.MappingEndType, token.SequenceEndType:
		s.brackets--
	case token.SequenceEntryType:
		s.block(t.Position.Column, 0)
	case token.MappingKeyType:
		s.block(t.Position.Column, 1)
	case token.MappingValueType:
		if t.Prev != nil {
			s.block(t.Prev.Position.Column, 1)
		}
	}
}

// block goes back to the block whose keys stand at the column, or begins one
// there.
func (s *shape) block(column, keys int) {
	if s.brackets > 0 {
		return
	}
	for len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].column > column {
		s.blocks = s.blocks[:len(s.blocks)-1]
	}
	if len(s.blocks) == 0 || s.blocks[len(s.blocks)-1].column < column {
		s.blocks = append(s.blocks, block{column: column})
	}
	s.blocks[len(s.blocks)-1].keys += keys
}

// isEmpty tells whether a colon or dash has no value behind it.
func isEmpty(t *token.Token) bool {
	start := t
	switch t.Type {
	case token.MappingValueType:
		start = t.Prev
	case token.SequenceEntryType:
	default:
		return false
	}
	next := t.Next
	if start == nil || next == nil {
		return true
	}
	switch next.Type {
	case token.CollectEntryType, token.MappingEndType, token.SequenceEndType:
		return true
	case token.SequenceEntryType:
		return next.Position.Column < start.Position.Column || t.Type == next.Type && next.Position.Column == start.Position.Column
	}
	return next.Position.Line > t.Position.Line && next.Position.Column <= start.Position.Column
}

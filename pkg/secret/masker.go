package secret

import (
	"encoding/json"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Masker replaces known secrets in text. The zero Masker knows none.
type Masker struct{ replacer *strings.Replacer }

// Shortest is the length in bytes below which a secret is not searched for in
// text: masking every "a" would destroy the text and hide nothing.
const Shortest = 4

// NewMasker returns a Masker for the given secrets. It also knows the forms in
// which they stand in a URL, in JSON and in Go's quotes.
func NewMasker(values ...Value) Masker {
	known := map[string]bool{}
	var texts []string
	for _, v := range values {
		if len(v.Reveal()) < Shortest {
			continue
		}
		for _, form := range forms(v.Reveal()) {
			if !known[form] {
				known[form] = true
				texts = append(texts, form)
			}
		}
	}
	if len(texts) == 0 {
		return Masker{}
	}
	// A longer secret goes first, so that one which contains another is
	// replaced whole.
	sort.Slice(texts, func(i, j int) bool { return len(texts[i]) > len(texts[j]) })
	pairs := make([]string, 0, 2*len(texts))
	for _, text := range texts {
		pairs = append(pairs, text, Mask)
	}
	return Masker{replacer: strings.NewReplacer(pairs...)}
}

// forms returns the text as it is and as encoders write it.
func forms(text string) []string {
	quoted, ascii := strconv.Quote(text), strconv.QuoteToASCII(text)
	all := []string{
		text,
		url.QueryEscape(text),
		url.PathEscape(text),
		url.UserPassword("", text).String()[1:],
		quoted[1 : len(quoted)-1],
		ascii[1 : len(ascii)-1],
	}
	var b strings.Builder
	for _, escape := range []bool{true, false} {
		b.Reset()
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(escape)
		if encoder.Encode(text) == nil {
			encoded := strings.TrimSpace(b.String())
			all = append(all, encoded[1:len(encoded)-1])
		}
	}
	return all
}

// Text returns s with every known secret replaced by Mask.
func (m Masker) Text(s string) string {
	if m.replacer == nil {
		return s
	}
	return m.replacer.Replace(s)
}

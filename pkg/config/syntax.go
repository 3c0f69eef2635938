package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is a file's one YAML document.
type document struct {
	root    ast.Node // nil for an empty file
	aliases map[*ast.AliasNode]ast.Node
}

// parseSyntax reads data as one YAML document. It returns nil after reporting
// why it cannot.
func parseSyntax(data []byte, r *report) *document {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !checkText(data, r) {
		return nil
	}
	tokens, file := parseYAML(string(data), r)
	if file == nil {
		return nil
	}
	doc := &document{}
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.DirectiveType {
			continue
		}
		if doc.root != nil {
			r.problem(startOf(d.Body), "a second YAML document begins; the configuration is one document")
			return nil
		}
		doc.root = d.Body
	}
	for _, t := range tokens {
		if t.Type == token.AliasType {
			doc.aliases = bindAliases(doc.root)
			break
		}
	}
	return doc
}

// checkText refuses what is no text, which the YAML parser would read as
// something: other encodings, and control characters.
func checkText(data []byte, r *report) bool {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		r.problem(place{1, 1}, "the file is UTF-16; it must be saved as UTF-8")
		return false
	}
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			r.problem(offsetPlace(data, i), "the byte 0x%02x is not UTF-8 text", data[i])
			return false
		}
		if (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f {
			r.problem(offsetPlace(data, i), "the control character 0x%02x is not allowed", data[i])
			return false
		}
		i += size
	}
	return true
}

func offsetPlace(data []byte, offset int) place {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return place{1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:])}
}

// parseYAML calls the library. A panic in there is a mistake of the library over
// a file that is not worth reading: it becomes a problem as well.
func parseYAML(text string, r *report) (tokens token.Tokens, file *ast.File) {
	defer func() {
		if p := recover(); p != nil {
			r.problem(place{1, 1}, "the YAML cannot be understood: the parser failed on it")
			file = nil
		}
	}()
	tokens = lexer.Tokenize(text)
	if !checkTokens(tokens, r) {
		return nil, nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return tokens, file
	}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		r.problem(tokenPlace(syntax.Token), "%s", syntaxMessage(syntax.Message))
	} else {
		r.problem(place{1, 1}, "the YAML cannot be understood")
	}
	return nil, nil
}

// syntaxMessage makes the library's message one printable line without the pieces
// of the file that it quotes: like its own form, which shows lines of the file,
// they could be of a password.
func syntaxMessage(message string) string {
	if i := strings.IndexByte(message, '"'); i >= 0 {
		message = strings.TrimRight(message[:i], " :")
	}
	var b strings.Builder
	for _, c := range message {
		if c < ' ' || c == 0x7f {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return "YAML: " + b.String()
}

// tokenPlace is where a token begins.
func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

// startOf is where a value begins, a block mapping at its first key.
func startOf(n ast.Node) place {
	switch n := n.(type) {
	case nil:
		return place{1, 1}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return startOf(n.Values[0])
		}
	case *ast.MappingValueNode:
		return startOf(n.Key)
	}
	return tokenPlace(n.GetToken())
}

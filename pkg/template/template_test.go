package template

import (
	"fmt"
	"strings"
	"testing"
	gotemplate "text/template"
)

func data() map[string]any {
	return map[string]any{
		"name": "db1", "port": 3306, "yes": true, "no": false, "empty": []any{},
		"databases": []any{
			map[string]any{"name": "a", "ip": "10.0.0.1", "master": true},
			map[string]any{"name": "b", "ip": "10.0.0.2", "master": false},
		},
		"words": []any{"x", "y"}, "sizes": map[string]any{"small": 1, "large": 7},
		"password": Refused("only files of mode 0600 may have it"),
	}
}

// What Go's text/template makes of each, so does this one.
func TestAsGo(t *testing.T) {
	for _, text := range []string{
		"", "plain", "{{.name}}:{{.port}} {{ .yes }}", "{{/* nothing */}}a{{- \" b \" -}} c",
		"{{range .databases}}server {{.name}} {{.ip}}:{{$.port}}{{if not .master}} backup{{end}}\n{{end}}",
		"{{range $n, $d := .databases}}{{$n}}={{$d.name}} {{end}}", "{{range $k, $v := .sizes}}{{$k}}={{$v}} {{end}}",
		"{{range .empty}}x{{else}}none{{end}}", "{{with .name}}{{.}}{{else}}none{{end}}", "{{with .empty}}x{{else}}{{.name}}{{end}}",
		"{{if and .yes .no}}a{{else if or .no .yes}}b{{else}}c{{end}}", "{{if eq .name \"x\" \"db1\"}}is{{end}}{{if ne .port 1}}not{{end}}",
		"{{if lt .port 4000}}lt{{end}}{{if ge .name \"db\"}}ge{{end}}{{if gt 1 2}}gt{{end}}{{if le 2 2}}le{{end}}",
		"{{len .databases}} {{len .name}} {{(index .databases 1).name}} {{index .sizes \"large\"}}",
		"{{printf \"%05d %s %q\" .port .name .name}}", "{{.port | printf \"%d-%d\" 7}}", "{{$x := 1}}{{range .words}}{{$x = .}}{{end}}{{$x}}",
		"{{range .words}}{{if eq . \"y\"}}{{break}}{{end}}{{.}}{{end}}", "{{range .words}}{{if eq . \"x\"}}{{continue}}{{end}}{{.}}{{end}}",
		"{{define \"one\"}}<{{.name}}{{$.name}}>{{end}}{{range .databases}}{{template \"one\" .}}{{end}}", "{{0x10}} {{true}} {{\"q\"}} {{`raw`}}",
		"{{$a := .name}}{{if .yes}}{{$a := 2}}{{$a}}{{end}}{{$a}}", "{{or .no .empty 3}} {{and .yes 4}}",
	} {
		want := strings.Builder{}
		if err := gotemplate.Must(gotemplate.New("t").Parse(text)).Execute(&want, data()); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		parsed, err := Parse("t", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := parsed.Render(data()); err != nil || got != want.String() {
			t.Errorf("%s gives %q, %v, want %q", text, got, err, want.String())
		}
	}
}

// What Go's has not.
func TestOwnFunctions(t *testing.T) {
	parsed, err := Parse("t", `{{join ", " .words}} {{add 1 2}} {{sub 1 2}} {{mul 3 4}} {{div 9 2}} {{max 1 2}} {{min 1 2}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.Render(data()); err != nil || got != "x, y 3 -1 12 4 2 1" {
		t.Error(got, err)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a\n{{.nme}}":              "t:2:2: there is no nme, only databases, empty, many, name, no, password, port, sizes, words, yes",
		"{{.name.x}}":              "t:1:7: a text has no parts, and so no x",
		"{{.password}}":            "t:1:2: password is not to be had here: only files of mode 0600 may have it",
		"{{index . \"password\"}}": `there is no "password"`,
		"{{.databases}}":           "cannot write a list as text",
		"{{range .name}}{{end}}":   "cannot go through a text: it is no list",
		"{{1.5}}":                  "1.5 is neither text nor a whole number",
		"{{nil | len}}":            "nil is neither text nor a whole number",
		"{{div 1 0}}":              "div: cannot divide by 0",
		"{{index .databases 2}}":   "index: there is no item 2, only 2 of them",
		"{{len 3}}":                "len: it has too few arguments, too many, or some of another kind",
		"{{.name 3}}":              ".name is no function and takes no arguments",
		"{{template \"x\"}}":       `there is no template "x"`,
		"{{html .name}}":           `function "html" not defined`,
		"a\nb {{if}}":              "t:2: missing value for if",
		"{{if .yes}}":              "t:1: unexpected EOF",
		"{{define \"x\"}}{{template \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}": `the template "x" calls itself too often`,
		"{{define \"x\"}}{{range .}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}x{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{template \"x\" .many}}": "the template does not come to an end",
	} {
		parsed, err := Parse("t", text)
		if err == nil {
			d := data()
			d["many"] = make([]any, 100)
			_, err = parsed.Render(d)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Whatever the text, there is an end, and a text that Go's renders too is the same.
func FuzzRender(f *testing.F) {
	f.Add("{{range .databases}}{{.name}}{{end}}")
	f.Add("{{$x := index .words 0}}{{$x | printf \"%s\"}}")
	f.Add("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse("t", text)
		if err != nil {
			return
		}
		got, err := parsed.Render(data())
		if err != nil {
			return
		}
		theirs, err := gotemplate.New("t").Option("missingkey=error").Funcs(goFuncs()).Parse(text)
		if err != nil {
			t.Fatalf("Go's does not read it: %v", err)
		}
		var want strings.Builder
		if err := theirs.Execute(&want, data()); err == nil && want.String() != got {
			t.Errorf("%q, Go's is %q", got, want.String())
		}
	})
}

// goFuncs are our own functions for Go's.
func goFuncs() gotemplate.FuncMap {
	out := gotemplate.FuncMap{}
	for name, f := range functions() {
		out[name] = func(a ...any) (any, error) {
			v, err := f(a)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return v, nil
		}
	}
	return out
}

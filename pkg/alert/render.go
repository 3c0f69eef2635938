package alert

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
)

// Text is what templates are given: a message in plain values.
type Text struct {
	What     string // opened, worse, ended, noted or test
	Severity string
	Cluster  string
	Type     string // the kind: instances, services, …
	Name     string
	IP       string // "" for none
	Was, Is  string // states
	Role     string // of a service
	Code     string // of a service
	Reason   string
	Labels   map[string]string
	With     []string // what a machine speaks for
	Count    int      // of a notice: how many were taken together
	Since    time.Time
	Time     time.Time // of the event
	Manager  string    // who saw it
	Incident string    // the same in all messages about it
	ID       string    // of the message, the same in every try
}

// The standard templates.
const (
	standardTitle = `[{{if eq .What "ended"}}resolved{{else if eq .What "test"}}test{{else}}{{.Severity}}{{end}}] ` +
		`{{with .Cluster}}{{.}} {{end}}{{.Type}} {{.Name}}: {{if .Was}}{{.Was}} → {{end}}{{.Is}}`
	standardText = `{{.Type}} {{.Name}}{{with .IP}} ({{.}}){{end}}{{with .Cluster}} of {{.}}{{end}}: {{if .Was}}{{.Was}} → {{end}}{{.Is}}
{{- with .Role}}, {{.}}{{end}}
{{- with .Reason}}
{{.}}{{end}}
{{- if gt .Count 1}}
{{.Count}} times{{end}}
{{- with .With}}
with it: {{range $n, $name := .}}{{if $n}}, {{end}}{{$name}}{{end}}{{end}}
{{- range $name, $value := .Labels}}
{{$name}}: {{$value}}{{end}}
at {{.Time.Format "2006-01-02 15:04:05 MST"}}{{if eq .What "ended"}}, since {{.Since.Format "2006-01-02 15:04:05 MST"}}{{end}}, seen by {{.Manager}}
incident {{.Incident}}, message {{.ID}}
`
)

// longestText is how many bytes a template may write.
const longestText = 64 << 10

// CheckTemplate tells what is wrong with a template: whether it can be read, and used
// with a message.
func CheckTemplate(text string) error {
	_, err := render(text, Text{Labels: map[string]string{}, With: []string{"services node1"}})
	return err
}

// Render is a message's title, in one line, and its text. A template of the settings
// that cannot be used with this message gives way to the standard one, and is told of
// in the text.
func (s *Settings) Render(m Message) (title, text string) {
	r := s.routeOf(m)
	t := plain(m)
	title, odd := render(r.Title, t)
	if r.Title == "" || odd != nil {
		title, _ = render(standardTitle, t) // the tests show that it always can
	}
	text, err := render(r.Text, t)
	if r.Text == "" || err != nil {
		text, _ = render(standardText, t)
	}
	for _, err := range []error{odd, err} {
		if err != nil {
			text += "\n" + err.Error() + "\n"
		}
	}
	return oneLine(title), text
}

// routeOf is the first route with a template that leads a message to its place.
func (s *Settings) routeOf(m Message) Route {
	for _, r := range s.routes() {
		if (r.Text != "" || r.Title != "") && slices.Contains(r.To, m.Place) && r.takes(Subject(m.Event), m.Severity, m.Event.Labels) {
			return r
		}
	}
	return Route{}
}

func plain(m Message) Text {
	k := m.Event.Key
	t := Text{
		What: m.What, Severity: string(m.Severity), Cluster: k.Cluster, Type: string(k.Kind), Name: k.Name,
		Was: m.Event.Was.State, Is: m.Event.Is.State, Role: m.Event.Is.Role, Code: string(m.Event.Is.Code),
		Reason: m.Event.Reason, Labels: maps.Clone(m.Event.Labels), With: m.Members, Count: m.Count,
		Since: m.Since.UTC(), Time: m.Event.At.UTC(), Manager: m.Event.Manager, Incident: m.Incident, ID: m.ID,
	}
	if m.Event.IP.IsValid() {
		t.IP = m.Event.IP.String()
	}
	return t
}

func render(text string, t Text) (string, error) {
	tmpl, err := template.New("alert").Option("missingkey=zero").Parse(text)
	if err != nil {
		return "", fmt.Errorf("cannot read template: %w", err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&limited{&b, longestText}, t); err != nil {
		return "", fmt.Errorf("cannot use template: %w", err)
	}
	return b.String(), nil
}

// limited takes so many bytes and no more.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("it writes more than %d bytes", longestText)
	}
	l.left -= len(p)
	return l.to.Write(p)
}

// longestTitle is how many characters a title may have.
const longestTitle = 200

// oneLine is a text without line breaks and other control characters, which would
// begin a new header in a mail.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }), " ")
	if r := []rune(s); len(r) > longestTitle {
		s = string(r[:longestTitle-1]) + "…"
	}
	return s
}

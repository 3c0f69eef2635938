package provision

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/clmgr/clmgr/pkg/template"
)

//go:embed haproxy.cfg.tmpl
var haproxyTemplate string

//go:embed keepalived.conf.tmpl
var keepalivedTemplate string

//go:embed memcached.conf.tmpl
var memcachedTemplate string

// Templates are those that configurations are made of, by mode. A service may have its own
// in the place of one.
func Templates() map[string]string {
	return map[string]string{"haproxy": haproxyTemplate, "keepalived": keepalivedTemplate, "memcache": memcachedTemplate}
}

// needed is something that a configuration must say, since clmgr depends on it.
type needed struct {
	// line is a regular expression for a whole line of it.
	line string
	// what it says, and why.
	what string
}

// renderConf makes a configuration of somebody's own template, or else of clmgr's, and
// refuses one that does not say what is needed.
func renderConf(own, ours string, values map[string]any, needs []needed) (string, error) {
	name := "its template"
	if own == "" {
		own, name = ours, "the template"
	}
	parsed, err := template.Parse(name, own)
	if err != nil {
		return "", err
	}
	text, err := parsed.Render(values)
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for _, n := range needs {
		if !regexp.MustCompile(`(?m)^[ \t]*` + n.line + `[ \t]*$`).MatchString(text) {
			return "", fmt.Errorf("%s makes a configuration without %s", name, n.what)
		}
	}
	return text, nil
}

// confHead begins each configuration; a removal knows by it whose the file is.
func confHead(service string) string {
	return fmt.Sprintf("# Written by clmgr for the service %s; clmgr services install writes it again.\n", service)
}

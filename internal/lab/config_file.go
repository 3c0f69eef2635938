package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// ConfigFile is where WriteConfig and SetupSample write a configuration for clmgr.
func (l *Lab) ConfigFile() string { return filepath.Join(l.Dir(), "clmgr.yaml") }

// WriteConfig writes a clmgr.yaml with the machines and no services, and returns its path.
func (l *Lab) WriteConfig() (string, error) { return l.writeConfig("") }

// writeConfig writes the whole file; with the services of the sample where the file of
// the database password is named. What clmgr keeps goes below the lab's directory too,
// so that taking the lab down takes it along.
func (l *Lab) writeConfig(secret string) (string, error) {
	var text bytes.Buffer
	err := configTemplate().Execute(&text, map[string]any{
		"Lab": l.Name(), "State": filepath.Join(l.Dir(), "state"), "Secret": secret,
		"Key": l.KeyFile(), "Known": l.KnownHosts(), "Machines": l.machines,
	})
	if err == nil {
		err = os.WriteFile(l.ConfigFile(), text.Bytes(), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("cannot write a configuration for lab %s: %w", l.Name(), err)
	}
	return l.ConfigFile(), nil
}

func configTemplate() *template.Template {
	return template.Must(template.New("clmgr.yaml").Parse(
		`# Made by "clmgr lab up" for the lab {{.Lab}}; removed with it.
state_dir: {{.State}}

ssh:
  user: root
  keys: [{{.Key}}]
  known_hosts: [{{.Known}}]
  agent: false
  config_file: none
{{if .Secret}}
modes:
  sshd:
    type: other
    port: 22
    tcp: {expect: "^SSH-2\\.0-"}
  boot:
    type: other
    command: {run: systemctl is-system-running, expect: "^running"}
{{end}}
clusters:
  demo:
    cloud: {driver: LOCAL}
{{- if .Secret}}
    database:
      user: clmgr
      password: {file: {{.Secret}}}
{{- end}}
    instances:
{{- range .Machines}}
      - {name: {{.Name}}, ip: {{.IP}}}
{{- end}}
{{- if .Secret}}
    services:
      - {name: node10, mode: mariadb, instance: m1, role: master}
      - {name: node11, mode: mariadb, instance: m2, role: slave}
      - {name: nosql1, mode: memcache, instance: m1}
      - {name: nosql2, mode: memcache, instance: m3}
      - {name: sshd3, mode: sshd, instance: m3}
      - {name: boot3, mode: boot, instance: m3}
{{- end}}
`))
}

package lab

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// ConfigFile is where WriteConfig and SetupSample write a configuration for clmgr.
func (l *Lab) ConfigFile() string { return filepath.Join(l.Dir(), "clmgr.yaml") }

// WriteConfig writes a clmgr.yaml with the machines and no services, and returns its path.
func (l *Lab) WriteConfig() (string, error) { return l.writeConfig(local, false) }

// WriteCloudSample writes a clmgr.yaml for the sample's machines, which are yet to be
// launched through the lab's running EC2 endpoint, and returns its path.
func (l *Lab) WriteCloudSample() (string, error) {
	e, ok := l.Endpoint()
	if !ok {
		return "", fmt.Errorf("cannot write a configuration: lab %s has no EC2 endpoint", l.Name())
	}
	place, err := ec2.ReadPlace(l.apiState())
	if err != nil {
		return "", err
	}
	if _, err := l.monitorPassword(); err != nil {
		return "", err
	}
	secret := filepath.Join(l.Dir(), "aws-secret")
	if err := os.WriteFile(secret, []byte(e.Secret), 0o600); err != nil {
		return "", fmt.Errorf("cannot keep the account's secret: %w", err)
	}
	return l.writeConfig(account{
		Driver: "EC2", URL: e.URL(), AccessKey: e.AccessKey, SecretFile: secret, Region: ec2.Region,
		Subnet: place.Subnet, Image: ec2.Image{Name: Databases().Name}.ID(),
	}, true)
}

// account is where a configuration says the machines come from.
type account struct{ Driver, URL, AccessKey, SecretFile, Region, Subnet, Image string }

// local are machines that are simply there.
var local = account{Driver: "LOCAL"}

// place is a machine of a configuration.
type place struct {
	Name string
	IP   netip.Addr
}

// writeConfig writes the whole file; with the services of the sample where it is asked
// for. What clmgr keeps goes below the lab's directory too, so that taking the lab down
// takes it along.
func (l *Lab) writeConfig(from account, services bool) (string, error) {
	var machines []place
	for _, m := range l.machines {
		machines = append(machines, place{m.Name(), m.IP()})
	}
	if from != local {
		for n, spec := range SampleMachines() {
			machines = append(machines, place{spec.Name, l.address(firstHost + n)})
		}
	}
	var text bytes.Buffer
	err := configTemplate().Execute(&text, map[string]any{
		"Lab": l.Name(), "State": filepath.Join(l.Dir(), "state"), "Password": l.passwordFile(), "Services": services,
		"Key": l.KeyFile(), "Known": l.KnownHosts(), "Machines": machines, "From": from, "VIP": l.VIP(),
		"Cloud": from != local,
	})
	if err == nil {
		err = os.WriteFile(l.ConfigFile(), text.Bytes(), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("cannot write a configuration for lab %s: %w", l.Name(), err)
	}
	return l.ConfigFile(), nil
}

//go:embed clmgr.yaml.tmpl
var configText string

func configTemplate() *template.Template {
	return template.Must(template.New("clmgr.yaml").Parse(configText))
}

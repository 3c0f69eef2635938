package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

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
	if err := os.WriteFile(l.ConfigFile(), []byte(l.configText(from, services)), 0o600); err != nil {
		return "", fmt.Errorf("cannot write a configuration for lab %s: %w", l.Name(), err)
	}
	return l.ConfigFile(), nil
}

// configText is the file. It is put together here rather than by text/template, whose
// reflection would keep every method of every linked library in the program.
func (l *Lab) configText(from account, services bool) string {
	var b strings.Builder
	write := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	write("# Made by \"clmgr lab up\" for the lab %s; removed with it.", l.Name())
	write("state_dir: %s\n", filepath.Join(l.Dir(), "state"))
	write("ssh:\n  user: root\n  keys: [%s]\n  agent: false\n  config_file: none", l.KeyFile())
	if from == local {
		write("  known_hosts: [%s]", l.KnownHosts())
	} else {
		write("  known_hosts: [%s]", filepath.Join(l.Dir(), "state", "known_hosts"))
		write("  host_key: console # taken from what the machine printed on its console")
	}
	if services {
		write("\nmodes:%s", sampleModes)
	}
	write("\nclusters:\n  demo:\n    cloud:%s", from.text())
	if services {
		write("    database:\n      user: clmgr\n      password: {file: %s}", l.passwordFile())
	}
	write("    instances:")
	for _, m := range l.places(from) {
		write("      - {name: %s, ip: %s}", m.Name, m.IP)
	}
	if services {
		write("    services:%s", sampleServices)
	}
	if services && from != local {
		write(sampleBalancers, l.VIP())
	}
	return b.String()
}

// places are the lab's machines, and with an account those of the sample that are yet to
// be launched.
func (l *Lab) places(from account) []place {
	var out []place
	for _, m := range l.machines {
		out = append(out, place{m.Name(), m.IP()})
	}
	if from != local {
		for n, spec := range SampleMachines() {
			out = append(out, place{spec.Name, l.address(firstHost + n)})
		}
	}
	return out
}

func (a account) text() string {
	if a == local {
		return " {driver: LOCAL}"
	}
	return fmt.Sprintf(`
      driver: %s
      endpoint: %s
      region: %s
      subnet: %s
      template: %s
      user: %s
      password: {file: %s}
      api_cache: 1s`, a.Driver, a.URL, a.Region, a.Subnet, a.Image, a.AccessKey, a.SecretFile)
}

const (
	sampleModes = `
  sshd:
    type: other
    port: 22
    tcp: {expect: "^SSH-2\\.0-"}
  boot:
    type: other
    command: {run: systemctl is-system-running, expect: "^running"}`

	sampleServices = `
      - {name: node10, mode: mariadb, instance: m1, role: master}
      - {name: node11, mode: mariadb, instance: m2, role: slave}
      - {name: nosql1, mode: memcache, instance: m1}
      - {name: nosql2, mode: memcache, instance: m3}
      - {name: sshd3, mode: sshd, instance: m3}
      - {name: boot3, mode: boot, instance: m3}`

	sampleBalancers = `      - {name: lb1, mode: haproxy, instance: m1}
      - {name: lb3, mode: haproxy, instance: m3}
      - {name: vip1, mode: keepalived, instance: m1, vip: %[1]s}
      - {name: vip3, mode: keepalived, instance: m3, vip: %[1]s}`
)

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// clmgrUID is the plain user every image has.
const clmgrUID = 1000

// makeMachine makes the machine's disk: an empty upper layer with what is its own.
func (l *Lab) makeMachine(ctx context.Context, m *Machine) error {
	for _, dir := range []string{"up", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o755); err != nil {
			return fmt.Errorf("cannot make the disk of %s: %w", m.name, err)
		}
	}
	key, err := os.ReadFile(l.KeyFile() + ".pub")
	if err != nil {
		return fmt.Errorf("cannot make the disk of %s: %w", m.name, err)
	}
	d := disk{root: m.upper()}
	d.logins(key)
	d.identity(l, m)
	d.hostFiles(ctx)
	if d.err != nil {
		return fmt.Errorf("cannot make the disk of %s: %w", m.name, d.err)
	}
	if err := writeKey(filepath.Join(m.upper(), "etc/ssh/ssh_host_ed25519_key"), m.name); err != nil {
		return fmt.Errorf("cannot make the host key of %s: %w", m.name, err)
	}
	return nil
}

// disk writes files below root and keeps the first error.
type disk struct {
	root string
	err  error
}

func (d *disk) dir(path string, mode os.FileMode, uid int) {
	path = filepath.Join(d.root, path)
	if d.err == nil {
		d.err = errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode), os.Chown(path, uid, uid))
	}
}

func (d *disk) file(path, content string, mode os.FileMode, uid int) {
	path = filepath.Join(d.root, path)
	if d.err == nil {
		d.err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(content), mode), //nolint:gosec // the paths are the constants below
			os.Chmod(path, mode), os.Chown(path, uid, uid))
	}
}

// logins lets the lab's key in, as root and as clmgr. A directory of the upper layer
// decides owner and mode for the one below it, so each is named.
func (d *disk) logins(key []byte) {
	d.dir("root", 0o700, 0)
	d.dir("root/.ssh", 0o700, 0)
	d.file("root/.ssh/authorized_keys", string(key), 0o600, 0)
	d.dir("home/clmgr", 0o755, clmgrUID)
	d.dir("home/clmgr/.ssh", 0o700, clmgrUID)
	d.file("home/clmgr/.ssh/authorized_keys", string(key), 0o600, clmgrUID)
}

// identity gives the machine its name and the names of the others.
func (d *disk) identity(l *Lab, m *Machine) {
	hosts := "127.0.0.1 localhost\n" + l.HostIP().String() + " " + Host + "\n"
	for _, other := range l.machines {
		hosts += other.IP().String() + " " + other.name + "\n"
	}
	d.file("etc/hosts", hosts, 0o644, 0)
	d.file("etc/hostname", m.name+"\n", 0o644, 0)
	d.file("etc/machine-id", "", 0o444, 0)
	d.dir("etc/ssh", 0o755, 0)
}

// hostFiles copies what this host needs to reach the outside: name servers, trusted
// certificates, and how apt goes there.
func (d *disk) hostFiles(ctx context.Context) {
	for _, path := range []string{"etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"} {
		if text, err := os.ReadFile("/" + path); err == nil {
			d.file(path, string(text), 0o644, 0)
		}
	}
	options := strings.Join(aptOptions(ctx), ";\n")
	if options != "" {
		d.file("etc/apt/apt.conf.d/90lab", options+";\n", 0o644, 0)
	}
}

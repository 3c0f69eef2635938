package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/ssh"
)

// newKey makes an ed25519 key: the private half as OpenSSH keeps it, the public half
// as one line.
func newKey(comment string) (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return nil, nil, err
	}
	line, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(line), nil
}

// writeKey makes a key pair in two files, path and path.pub.
func writeKey(path, comment string) error {
	private, public, err := newKey(comment)
	if err != nil {
		return fmt.Errorf("cannot make a key: %w", err)
	}
	if err := os.WriteFile(path, private, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path+".pub", public, 0o644)
}

// makeKeys makes the key that logs in everywhere.
func (l *Lab) makeKeys() error { return writeKey(l.KeyFile(), "clmgr-lab "+l.Name()) }

// writeKnownHosts gathers the machines' host keys from their disks.
func (l *Lab) writeKnownHosts() error {
	var lines strings.Builder
	for _, m := range l.machines {
		key, err := os.ReadFile(filepath.Join(m.upper(), "etc/ssh/ssh_host_ed25519_key.pub"))
		if err != nil {
			return fmt.Errorf("cannot learn the host key of %s: %w", m.name, err)
		}
		fmt.Fprintf(&lines, "%s %s", m.IP(), key)
	}
	return renameio.WriteFile(l.KnownHosts(), []byte(lines.String()), 0o644)
}

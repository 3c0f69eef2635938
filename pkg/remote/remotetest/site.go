package remotetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Site is what the servers of one test share.
type Site struct {
	Dir        string     // removed with the test
	User       string     // the user that may log in: the one who runs the test
	Key        string     // the client's private key file, which every server accepts
	Signer     ssh.Signer // the same key, loaded
	KnownHosts string     // every server started is known here
	Authorized string     // the authorized_keys of every server

	mu sync.Mutex // guards appends to KnownHosts
}

// New makes a site for one test.
func New(t testing.TB) *Site {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatalf("cannot tell who runs the test: %v", err)
	}
	dir := t.TempDir()
	s := &Site{
		Dir: dir, User: me.Username,
		Key:        filepath.Join(dir, "id_ed25519"),
		KnownHosts: filepath.Join(dir, "known_hosts"),
		Authorized: filepath.Join(dir, "authorized_keys"),
	}
	s.Signer = WriteKey(t, s.Key)
	Write(t, s.Authorized, string(ssh.MarshalAuthorizedKey(s.Signer.PublicKey())))
	Write(t, s.KnownHosts, "")
	return s
}

// WriteKey makes an ed25519 key and writes it to path as OpenSSH does.
func WriteKey(t testing.TB, path string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatalf("cannot make a key: %v", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatalf("cannot encode a key: %v", err)
	}
	Write(t, path, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatalf("cannot use a key: %v", err)
	}
	return signer
}

// Write writes a file of mode 0600.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("cannot write a file of the test: %v", err)
	}
}

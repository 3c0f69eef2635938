package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

// check looks at a server with a pool of its own: nothing is remembered.
func check(t testing.TB, s *remote.Settings, srv *remotetest.Server) error {
	t.Helper()
	p := remote.NewPool(remote.Options{})
	defer func() { _ = p.Close() }()
	return p.Host(s, machineOf(srv)).Check(context.Background())
}

// trusting are settings whose only known_hosts file holds lines.
func trusting(t testing.TB, site *remotetest.Site, lines ...string) *remote.Settings {
	t.Helper()
	s := settingsOf(site)
	file := filepath.Join(t.TempDir(), "known_hosts")
	remotetest.Write(t, file, strings.Join(lines, "\n"))
	s.KnownHosts = []string{file}
	return s
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func otherKey(t testing.TB) ssh.Signer {
	t.Helper()
	return remotetest.WriteKey(t, filepath.Join(t.TempDir(), "other"))
}

func lineFor(name string, key ssh.PublicKey) string {
	return name + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func hostOf(srv *remotetest.Server) string {
	return fmt.Sprintf("[%s]:%d", srv.Addr.Addr(), srv.Addr.Port())
}

func TestUnknownKeyIsRefusedAndSaysWhatToDo(t *testing.T) {
	site, srv, _ := start(t)
	s := trusting(t, site)
	err := check(t, s, srv)
	wantStage(t, err, remote.StageHostKey)
	for _, want := range []string{s.KnownHosts[0], ssh.FingerprintSHA256(srv.HostKey), "accept-new", "ssh-keyscan"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not hold %q", err, want)
		}
	}
	if text := read(t, s.KnownHosts[0]); text != "" {
		t.Errorf("known_hosts was written: %q", text)
	}
}

func TestAcceptNewTrustsOnceAndForAll(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.KnownHosts = []string{filepath.Join(t.TempDir(), "new", "known_hosts")}
	s.AcceptNew = true
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
	file := s.KnownHosts[0]
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if got := read(t, file); got != srv.KnownLine()+"\n" {
		t.Fatalf("got %q", got)
	}
	s.AcceptNew = false
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
}

func TestChangedKeyIsRefusedEvenByAcceptNew(t *testing.T) {
	site, srv, _ := start(t)
	for _, acceptNew := range []bool{false, true} {
		for _, name := range []string{hostOf(srv), fmt.Sprintf("[node]:%d", srv.Addr.Port())} {
			s := trusting(t, site, lineFor(name, otherKey(t).PublicKey()))
			s.AcceptNew = acceptNew
			before := read(t, s.KnownHosts[0])
			err := check(t, s, srv)
			wantStage(t, err, remote.StageHostKey)
			if !strings.Contains(err.Error(), "has changed") || !strings.Contains(err.Error(), s.KnownHosts[0]+":1") {
				t.Errorf("got %q", err)
			}
			if read(t, s.KnownHosts[0]) != before {
				t.Error("known_hosts was written")
			}
		}
	}
}

func TestKeyKnownByNameOrPatternIsEnough(t *testing.T) {
	site, srv, _ := start(t)
	for _, name := range []string{
		fmt.Sprintf("[node]:%d", srv.Addr.Port()), "127.0.1.*", hostOf(srv) + ",[other]:22",
	} {
		if err := check(t, trusting(t, site, "# a comment", lineFor(name, srv.HostKey)), srv); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRevokedKeyIsRefused(t *testing.T) {
	site, srv, _ := start(t)
	known := lineFor(hostOf(srv), srv.HostKey)
	s := trusting(t, site, known, "@revoked "+lineFor("*", srv.HostKey))
	s.AcceptNew = true
	err := check(t, s, srv)
	wantStage(t, err, remote.StageHostKey)
	if !strings.Contains(err.Error(), "revoked") {
		t.Errorf("got %q", err)
	}
}

func TestHostCertificateOfAKnownAuthority(t *testing.T) {
	site := remotetest.New(t)
	authority := otherKey(t)
	dir := t.TempDir()
	host := remotetest.WriteKey(t, filepath.Join(dir, "host"))
	certify := func(principal string) {
		cert := &ssh.Certificate{
			Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal},
			ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		}
		if err := cert.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		remotetest.Write(t, filepath.Join(dir, "host-cert.pub"), string(ssh.MarshalAuthorizedKey(cert)))
	}
	certify("node")
	lines := []string{"HostKey " + dir + "/host", "HostCertificate " + dir + "/host-cert.pub"}
	srv := site.Start(t, "127.0.1.1", lines...)
	trust := trusting(t, site, "@cert-authority "+lineFor(hostOf(srv)+","+fmt.Sprintf("[node]:%d", srv.Addr.Port()), authority.PublicKey()))
	if err := check(t, trust, srv); err != nil {
		t.Fatal(err)
	}
	certify("another")
	srv2 := site.Start(t, "127.0.1.2", lines...)
	trust = trusting(t, site, "@cert-authority "+lineFor(hostOf(srv2), authority.PublicKey()))
	wantStage(t, check(t, trust, srv2), remote.StageHostKey)
}

// The server has a key of a type we would rather have, but not the one we know.
func TestTheKnownTypeOfKeyIsAskedFor(t *testing.T) {
	site := remotetest.New(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ecdsa")
	remotetest.Write(t, file, string(pem.EncodeToMemory(block)))
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	srv := site.Start(t, "127.0.1.1", "HostKey "+file)
	for _, key := range []ssh.PublicKey{public, srv.HostKey} {
		if err := check(t, trusting(t, site, lineFor(hostOf(srv), key)), srv); err != nil {
			t.Errorf("known by %s: %v", key.Type(), err)
		}
	}
}

func TestKnownHostsAreReadAgainWhenTheyChange(t *testing.T) {
	site, srv, _ := start(t)
	s := trusting(t, site)
	h := newPool(t, remote.Options{}).Host(s, machineOf(srv))
	wantStage(t, h.Check(context.Background()), remote.StageHostKey)
	remotetest.Write(t, s.KnownHosts[0], srv.KnownLine())
	mustCheck(t, h)
}

func TestUnreadableKnownHostsTrustNobody(t *testing.T) {
	site, srv, _ := start(t)
	s := trusting(t, site, srv.KnownLine(), "127.0.0.1 ssh-ed25519 half-a-li")
	s.AcceptNew = true
	err := check(t, s, srv)
	wantStage(t, err, remote.StageHostKey)
	if !strings.Contains(err.Error(), s.KnownHosts[0]+":2") {
		t.Errorf("got %q, want the file and line", err)
	}
}

// Three pools share nothing but the file, as three processes would.
func TestManyAcceptAtOnceAndEachKeyIsWrittenOnce(t *testing.T) {
	site := remotetest.New(t)
	s := settingsOf(site)
	s.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
	s.AcceptNew = true
	var servers []*remotetest.Server
	for i := range 8 {
		servers = append(servers, site.Start(t, fmt.Sprintf("127.0.1.%d", i+1)))
	}
	var all sync.WaitGroup
	for range 3 {
		p := newPool(t, remote.Options{})
		for _, srv := range servers {
			all.Go(func() {
				if err := p.Host(s, machineOf(srv)).Check(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(read(t, s.KnownHosts[0])), "\n")
	seen := map[string]bool{}
	for _, l := range lines {
		seen[l] = true
	}
	for _, srv := range servers {
		if !seen[srv.KnownLine()] {
			t.Errorf("%s is not written", srv.Addr)
		}
	}
	if len(lines) != len(servers) {
		t.Errorf("%d lines for %d servers", len(lines), len(servers))
	}
}

func TestAcceptNewAfterAHalfWrittenLine(t *testing.T) {
	site, srv, _ := start(t)
	s := trusting(t, site, "# no newline at the end")
	s.AcceptNew = true
	for range 2 {
		if err := check(t, s, srv); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, s.KnownHosts[0]); got != "# no newline at the end\n"+srv.KnownLine()+"\n" {
		t.Fatalf("got %q", got)
	}
}

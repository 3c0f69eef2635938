package remote_test

import (
	"context"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func TestRefusedKeyIsNamedButNotShown(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Keys = []string{filepath.Join(t.TempDir(), "wrong")}
	wrong := remotetest.WriteKey(t, s.Keys[0])
	err := check(t, s, srv)
	wantStage(t, err, remote.StageAuth)
	for _, want := range []string{s.Keys[0], ssh.FingerprintSHA256(wrong.PublicKey()), site.User} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not hold %q", err, want)
		}
	}
	body := strings.Split(read(t, s.Keys[0]), "\n")[1]
	if strings.Contains(err.Error(), body) {
		t.Error("the key is shown")
	}
}

func TestSecondKeyIsTried(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	wrong := filepath.Join(t.TempDir(), "wrong")
	remotetest.WriteKey(t, wrong)
	s.Keys = []string{wrong, site.Key}
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
}

func TestMissingKeyFileIsAnErrorButNotSilence(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Keys = []string{"/nonexistent/key", site.Key}
	err := check(t, s, srv)
	wantStage(t, err, remote.StageAuth)
	if !strings.Contains(err.Error(), "/nonexistent/key") {
		t.Errorf("got %q", err)
	}
	srv.Stop()
	wantStage(t, check(t, s, srv), remote.StageRefused)
}

// encrypt rewrites a site's key with a passphrase.
func encrypt(t *testing.T, site *remotetest.Site, passphrase string) {
	t.Helper()
	private, err := ssh.ParseRawPrivateKey([]byte(read(t, site.Key)))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	remotetest.Write(t, site.Key, string(pem.EncodeToMemory(block)))
}

func TestEncryptedKeySuggestsTheAgent(t *testing.T) {
	site, srv, _ := start(t)
	open := filepath.Join(t.TempDir(), "open")
	remotetest.Write(t, open, read(t, site.Key))
	encrypt(t, site, "passphrase")
	s := settingsOf(site)
	err := check(t, s, srv)
	wantStage(t, err, remote.StageAuth)
	for _, want := range []string{site.Key + " is encrypted", "ssh-add", "agent"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not hold %q", err, want)
		}
	}
	s.Keys = append(s.Keys, open)
	if err := check(t, s, srv); err != nil {
		t.Errorf("with another key that works: %v", err)
	}
}

// startAgent runs a real ssh-agent that holds the keys.
func startAgent(t *testing.T, keys ...string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start ssh-agent (package openssh-client): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	remotetest.Eventually(t, "the agent listens", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	t.Setenv("SSH_AUTH_SOCK", socket)
	for _, k := range keys {
		if out, err := exec.Command("ssh-add", k).CombinedOutput(); err != nil {
			t.Fatalf("ssh-add: %v: %s", err, out)
		}
	}
}

func TestAgentLogsIn(t *testing.T) {
	site, srv, _ := start(t)
	startAgent(t, site.Key)
	encrypt(t, site, "passphrase")
	s := settingsOf(site)
	s.Agent = true
	if err := check(t, s, srv); err != nil {
		t.Errorf("with the encrypted file named: %v", err)
	}
	s.Keys = nil
	t.Setenv("HOME", t.TempDir())
	if err := check(t, s, srv); err != nil {
		t.Errorf("with the agent alone: %v", err)
	}
	s.Agent = false
	wantStage(t, check(t, s, srv), remote.StageAuth)
}

func TestAgentSignsWithRSA(t *testing.T) {
	site, srv, _ := start(t)
	file := filepath.Join(t.TempDir(), "rsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	remotetest.Write(t, site.Authorized, read(t, file+".pub"))
	startAgent(t, file)
	s := settingsOf(site)
	s.Agent, s.Keys = true, nil
	t.Setenv("HOME", t.TempDir())
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
}

func TestUserCertificateIsOffered(t *testing.T) {
	site := remotetest.New(t)
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-q", "-t", "ed25519", "-N", "", "-f", dir + "/ca"},
		{"-q", "-t", "ed25519", "-N", "", "-f", dir + "/me"},
		{"-q", "-s", dir + "/ca", "-I", "me", "-n", site.User, dir + "/me.pub"},
	} {
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	srv := site.Start(t, "127.0.1.1", "TrustedUserCAKeys "+dir+"/ca.pub")
	s := settingsOf(site)
	s.Keys = []string{dir + "/me"}
	if err := check(t, s, srv); err != nil {
		t.Fatal(err)
	}
}

// An agent that takes connections and says nothing.
func TestHungAgentHangsNobody(t *testing.T) {
	site, srv, _ := start(t)
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("SSH_AUTH_SOCK", socket)
	s := settingsOf(site)
	s.Agent = true
	if err := check(t, s, srv); err != nil {
		t.Errorf("with a key file: %v", err)
	}
	s.Keys, s.Timeout = nil, 3*time.Second
	t.Setenv("HOME", t.TempDir())
	within(t, 2*s.Timeout, func() {
		err = check(t, s, srv)
		wantStage(t, err, remote.StageAuth)
	})
	if !strings.Contains(err.Error(), "agent") {
		t.Errorf("%q does not tell of the agent", err)
	}
}

func TestKeyAddedLaterIsFoundBySettingsOfTheirOwn(t *testing.T) {
	site, srv, _ := start(t)
	s := settingsOf(site)
	s.Keys = []string{filepath.Join(t.TempDir(), "later")}
	h := newPool(t, remote.Options{}).Host(s, machineOf(srv))
	wantStage(t, h.Check(context.Background()), remote.StageAuth)
	remotetest.Write(t, s.Keys[0], read(t, site.Key))
	mustCheck(t, h)
}

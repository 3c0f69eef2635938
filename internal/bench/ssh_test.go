package bench

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

const (
	sshHosts = 200
	sshWidth = 64
)

// BenchmarkSSH200 is a heartbeat over 200 SSH hosts (a loopback sshd that logs
// in a plain user), against the bare handshakes of x/crypto/ssh at the same width
// and, beside it, against clush running "true" on the same hosts.
func BenchmarkSSH200(b *testing.B) {
	site := remotetest.New(b)
	user := plainUser(b, site)
	free := remotetest.FreeAddr(b, "127.0.0.1")
	srv := site.LaunchAt(b, netip.AddrPortFrom(netip.IPv4Unspecified(), free.Port()), "AuthorizedKeysFile "+user.authorized)
	srv.Await(b)
	port := srv.Addr.Port()
	ip := func(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(srv.HostKey)))
	known := list(sshHosts, func(i int) string { return fmt.Sprintf("[%s]:%d %s", ip(i), port, key) })
	remotetest.Write(b, site.KnownHosts, strings.ReplaceAll(known, "      - ", ""))

	product := heartbeat(b, fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
ssh: {user: %s, port: %d, keys: [%s], known_hosts: [%s], agent: false, config_file: none, timeout: 30s, width: %d}
clusters:
  c:
    instances:
%s`, b.TempDir(), user.name, port, site.Key, site.KnownHosts, sshWidth, list(sshHosts, func(i int) string {
		return fmt.Sprintf("{name: h%d, ip: %s}", i, ip(i))
	})), command.OK)

	floor := func() {
		slots := make(chan struct{}, sshWidth)
		var wg sync.WaitGroup
		for i := range sshHosts {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				c, err := ssh.Dial("tcp", fmt.Sprintf("%s:%d", ip(i), port), &ssh.ClientConfig{
					User: user.name, Auth: []ssh.AuthMethod{ssh.PublicKeys(site.Signer)},
					HostKeyCallback: ssh.FixedHostKey(srv.HostKey), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
				})
				if err != nil {
					b.Error(err)
					return
				}
				c.Close()
			})
		}
		wg.Wait()
	}
	duel(b, product, floor)
	b.ReportMetric(clock(func() { clush(b, site, user.name, int(port)) }), "ms/clush")
}

type account struct{ name, authorized string }

// plainUser makes a user with /bin/sh for the time of the benchmark. It needs root.
func plainUser(b *testing.B, site *remotetest.Site) account {
	b.Helper()
	home, err := os.MkdirTemp("", "clmgr-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(home) })
	a := account{name: "clmgrbench", authorized: filepath.Join(home, "authorized_keys")}
	text, err := os.ReadFile(site.Authorized)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(a.authorized, text, 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(home, 0o755); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("useradd", "-M", "-p", "*", "-d", home, "-s", "/bin/sh", a.name).CombinedOutput(); err != nil {
		b.Fatalf("cannot make a user: %v: %s", err, out)
	}
	b.Cleanup(func() {
		if out, err := exec.Command("userdel", "-f", a.name).CombinedOutput(); err != nil {
			b.Errorf("cannot remove the user: %v: %s", err, out)
		}
	})
	return a
}

// clush runs true on all hosts, as many at once as the heartbeat does.
func clush(b *testing.B, site *remotetest.Site, user string, port int) {
	b.Helper()
	cmd := exec.Command("clush", "-w", fmt.Sprintf("127.0.1.[1-%d]", sshHosts), "-f", fmt.Sprint(sshWidth), "-l", user,
		"-o", fmt.Sprintf("-p %d -i %s -o UserKnownHostsFile=%s -o IdentitiesOnly=yes", port, site.Key, site.KnownHosts), "true")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("clush failed: %v: %s", err, out)
	}
}

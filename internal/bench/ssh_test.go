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
	f := newFarm(b)
	product := heartbeat(b, fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
ssh: %s
clusters:
  c:
    instances:
%s`, b.TempDir(), f.settings(), f.instances()), command.OK)
	duel(b, product, func() { f.floor(b) })
	b.ReportMetric(clock(func() { clush(b, f.site, f.user, int(f.srv.Addr.Port())) }), "ms/clush")
}

// farm is an sshd that answers on 127.0.1.1 to 127.0.1.200, as so many hosts.
type farm struct {
	site *remotetest.Site
	srv  *remotetest.Server
	user string
}

func newFarm(b *testing.B) *farm {
	b.Helper()
	site := remotetest.New(b)
	user := plainUser(b, site)
	free := remotetest.FreeAddr(b, "127.0.0.1")
	srv := site.LaunchAt(b, netip.AddrPortFrom(netip.IPv4Unspecified(), free.Port()), "AuthorizedKeysFile "+user.authorized)
	srv.Await(b)
	f := &farm{site, srv, user.name}
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(srv.HostKey)))
	known := list(sshHosts, func(i int) string { return fmt.Sprintf("[%s]:%d %s", f.ip(i), srv.Addr.Port(), key) })
	remotetest.Write(b, site.KnownHosts, strings.ReplaceAll(known, "      - ", ""))
	return f
}

func (f *farm) ip(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }

// settings and instances are the farm in a configuration.
func (f *farm) settings() string {
	return fmt.Sprintf("{user: %s, port: %d, keys: [%s], known_hosts: [%s], agent: false, config_file: none, timeout: 30s, width: %d}",
		f.user, f.srv.Addr.Port(), f.site.Key, f.site.KnownHosts, sshWidth)
}

func (f *farm) instances() string {
	return list(sshHosts, func(i int) string { return fmt.Sprintf("{name: h%d, ip: %s}", i, f.ip(i)) })
}

// floor is the bare handshake with every host.
func (f *farm) floor(b *testing.B) {
	slots := make(chan struct{}, sshWidth)
	var wg sync.WaitGroup
	for i := range sshHosts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := ssh.Dial("tcp", fmt.Sprintf("%s:%d", f.ip(i), f.srv.Addr.Port()), &ssh.ClientConfig{
				User: f.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(f.site.Signer)},
				HostKeyCallback: ssh.FixedHostKey(f.srv.HostKey), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
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

package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/remotetest"
)

func TestStageOfWhatAnswersWrongly(t *testing.T) {
	site := remotetest.New(t)
	closed := remotetest.FreeAddr(t, "127.0.0.1")
	say := func(s string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, s); c.Close() }
	}
	for _, c := range []struct {
		name    string
		machine remote.Machine
		want    remote.Stage
		text    string
	}{
		{"nothing listens", remote.Machine{IP: closed.Addr(), Port: closed.Port()}, remote.StageRefused, "refused"},
		{"mute", machineAt(listen(t, func(net.Conn) {})), remote.StageBanner, "said nothing"},
		{"closes", machineAt(listen(t, func(c net.Conn) { c.Close() })), remote.StageBanner, ""},
		{"another protocol", machineAt(listen(t, say("HTTP/1.0 400 Bad Request\r\n\r\n"))), remote.StageBanner, `said "HTTP/1.0 400 Bad Request"`},
		{"endless line", machineAt(listen(t, say(strings.Repeat("x", 20000)))), remote.StageBanner, "not an SSH server"},
		{"old", machineAt(listen(t, say("SSH-1.5-old\n"))), remote.StageBanner, "too old"},
		{"many lines", machineAt(listen(t, say(strings.Repeat("welcome\n", 5000)))), remote.StageBanner, "not an SSH server"},
		{"hangs in the key exchange", machineAt(listen(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-x\r\n")
			_, _ = io.Copy(io.Discard, c)
		})), remote.StageBanner, "hung in the key exchange"},
		{"breaks in the key exchange", machineAt(listen(t, say("SSH-2.0-x\r\n"))), remote.StageBanner, "cannot exchange keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settingsOf(site)
			s.Timeout = brief
			err := newPool(t, remote.Options{}).Host(s, c.machine).Check(context.Background())
			wantStage(t, err, c.want)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %q, want it to hold %q", err, c.text)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestErrorNamesTheMachine(t *testing.T) {
	site := remotetest.New(t)
	closed := remotetest.FreeAddr(t, "127.0.0.1")
	m := remote.Machine{Name: "db1", IP: closed.Addr(), Port: closed.Port()}
	err := newPool(t, remote.Options{}).Host(settingsOf(site), m).Check(context.Background())
	var e *remote.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if want := "db1 (" + closed.String() + ")"; e.Machine != want || !strings.HasPrefix(err.Error(), "cannot reach "+want+": ") {
		t.Fatalf("got %q about %q, want %q", err, e.Machine, want)
	}
	if e.Silent() {
		t.Fatal("a refused connection is not silence")
	}
}

// The listener is stopped, as a machine's sshd may be: the kernel still accepts.
func TestFrozenServerIsABannerThatNeverComes(t *testing.T) {
	site, srv, _ := start(t)
	srv.Freeze(t)
	s := settingsOf(site)
	s.Timeout = brief
	err := newPool(t, remote.Options{}).Host(s, machineOf(srv)).Check(context.Background())
	wantStage(t, err, remote.StageBanner)
}

// networkTest, set in the environment, makes this test binary run inNamespace.
const networkTest = "CLMGR_REMOTE_NETWORK_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(networkTest) != "" {
		os.Exit(inNamespace())
	}
	os.Exit(m.Run())
}

// The addresses of the namespace: the first swallows packets, the second has no
// way, the third is on a link where nobody has it.
var (
	blackHole = netip.MustParseAddr("10.255.255.2")
	noWay     = netip.MustParseAddr("10.8.8.8")
	noRoute   = netip.MustParseAddr("10.7.7.7")
)

package send

import (
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/secret"
)

// mailServer starts a real mail server and returns its port and the folder into which it
// puts what it takes.
func mailServer(t *testing.T) (port int, folder string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	folder = filepath.Join(t.TempDir(), "mail")
	cmd := exec.CommandContext(t.Context(), "/usr/bin/aiosmtpd", "-n", "-l", fmt.Sprintf("127.0.0.1:%d", port), "-c", "aiosmtpd.handlers.Mailbox", folder)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	wait(t, "the mail server listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return port, folder
}

func TestMail(t *testing.T) {
	port, folder := mailServer(t)
	s := newSite(t)
	address := fmt.Sprintf("smtp://127.0.0.1:%d/?from=clmgr@example.com&to=dba@example.com,night@example.com&starttls=no", port)
	sender := s.mustSender(t, Place{Name: "mail", URL: secret.New(address)})
	for _, down := range []bool{true, false} {
		s.mustAdd(t, event(1, down))
		if err := sender.Turn(t.Context(), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	state, err := sender.View(t.Context())
	if err != nil || len(state.Outbox) > 0 {
		t.Fatalf("left: %+v (%v)", state.Outbox, err)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "new", "*"))
	if err != nil || len(paths) != 4 {
		t.Fatalf("%d mails (%v), want one to each of two for each of two", len(paths), err)
	}
	subjects := map[string]int{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		subjects[m.Header.Get("To")+" "+subject]++
		if !strings.Contains(string(text), "it says xxx") || strings.Contains(string(text), "canary") {
			t.Errorf("the mail is\n%s", text)
		}
	}
	for _, want := range []string{
		"dba@example.com [critical] c services node1: running → gone", "night@example.com [critical] c services node1: running → gone",
		"dba@example.com [resolved] c services node1: gone → running", "night@example.com [resolved] c services node1: gone → running",
	} {
		if subjects[want] != 1 {
			t.Errorf("%q: %d times; there are %v", want, subjects[want], subjects)
		}
	}
}

// A mail server that answers nothing holds up no more than the time of a try, and no
// more than a few of them are left behind.
func TestServerThatHangs(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0") // takes connections into its backlog
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	s := newSite(t)
	sender := s.mustSender(t, Place{Name: "mail", URL: secret.New("smtp://u:hunter2@" + dead.Addr().String() + "/?from=a@example.com&to=b@example.com")})
	sender.opts.Timeout = 50 * time.Millisecond
	for n := range mostStuck + 2 {
		tried, err := sender.Test(t.Context(), "mail")
		want := "no answer in time"
		if n >= mostStuck {
			want = "4 earlier tries have not come back yet"
		}
		if err != nil || tried[0].Err == nil || !strings.Contains(tried[0].Err.Error(), want) {
			t.Errorf("try %d: %+v (%v), want %q", n, tried, err, want)
		}
	}
}

func TestCheckService(t *testing.T) {
	for address, want := range map[string]string{
		"smtp://mail.example.com/?from=a@example.com&to=b@example.com":      "",
		"smtp://mail.example.com/":                                          "fromAddress missing",
		"slack://hook:T00000000-B00000000-123456789123456789123456@webhook": "",
		"slack://hook:hunter2-hunter2@webhook":                              "slack does not take it",
		"pagerduty://events.pagerduty.com/0123456789abcdef0123456789abcdef": "",
		"pagerduty://events.pagerduty.com/hunter2hunter2":                   "pagerduty does not take it",
		"matrix://user:hunter2@127.0.0.1:1/":                                "",
		"slak://x":                                                          `there is no service "slak", only bark, discord`,
		"hunter2":                                                           "it is not a URL",
		"://hunter2":                                                        "it is not a URL",
	} {
		err := CheckService(address)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// What a service says of a failure shows neither its URL nor what it makes of it.
func TestErrorsHideTheURL(t *testing.T) {
	for _, address := range []string{
		"slack://hook:TCANARYAA-BCANARYBB-canarycanarycanarycanar@webhook",
		"generic+http://127.0.0.1:1/canarypath?token=canarytoken",
		"ntfy://user:canarypassword@127.0.0.1:1/canarytopic?scheme=http",
		"gotify://127.0.0.1:1/Acanaryaaaaaaaa?disabletls=yes",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		hide := secret.NewMasker(pieces(u)...)
		made := hide.Text("Post " + address + " https://hooks.example.com/services/TCANARYAA/BCANARYBB/canarycanarycanarycanar canarypath canarytoken canarypassword canarytopic Acanaryaaaaaaaa")
		for _, part := range strings.FieldsFunc(address, func(c rune) bool { return strings.ContainsRune(":/?=&@-", c) }) {
			if strings.Contains(strings.ToLower(part), "canary") && strings.Contains(made, part) {
				t.Errorf("%s: %s shows %s", address, made, part)
			}
		}
		if strings.HasPrefix(address, "slack") {
			continue // it is not on this machine
		}
		tried, err := newSite(t).mustSender(t, Place{Name: "chat", URL: secret.New(address)}).Test(t.Context(), "")
		if err != nil || tried[0].Err == nil || strings.Contains(strings.ToLower(tried[0].Err.Error()), "canary") {
			t.Errorf("%s: %+v (%v)", address, tried, err)
		}
	}
}

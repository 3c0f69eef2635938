package e2e_test

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// secret is a password, and the parts of it without a character that anything quotes.
type secret struct {
	text  string
	parts []string
}

// newSecret is one that is hard to quote, in JSON, in SQL, in a shell and in a URL.
func newSecret() secret {
	parts := []string{rand.Text()[:16], rand.Text()[:16]}
	return secret{parts[0] + `"\'<&>%s $é` + parts[1], parts}
}

// secrets do not leak: all that clmgr does, well or badly, is watched for them in all
// channels. A control that is leaked on purpose into each is found in each.
func secrets(t *testing.T, s *site) {
	password, wrong, cloud, literal, control, key := newSecret(), newSecret(), newSecret(), newSecret(), newSecret(), newSecret()
	control.text = control.parts[0] + control.parts[1] // it is an argument of a shell below
	h := newHunt(t, map[string]secret{
		"password": password, "wrong password": wrong, "cloud password": cloud, "literal password": literal, "control": control,
		"store key": key,
	})
	shared := newMemcached(t, "127.0.0.1")
	for _, name := range []string{"m1", "m2"} {
		s.sql(t, name, fmt.Sprintf(`SET sql_log_bin = 0;
CREATE OR REPLACE USER canary@'10.213.%%' IDENTIFIED BY '%s';
GRANT SLAVE MONITOR ON *.* TO canary@'10.213.%%';`, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password.text)))
	}
	must(t, s.Machine("m3").Write(t.Context(), "/root/leak", 0o600, strings.NewReader(password.text+"\n")))
	must(t, s.Machine("m3").Write(t.Context(), "/root/said", 0o600, strings.NewReader(cloud.text+"\n")))
	leaky := func(password secret) conf {
		c := s.leaky(t, password, cloud)
		c.Store, c.StoreKey = "memcached://"+shared.Address+"/clmgr", key.text
		return c
	}

	stop := h.watch()
	m := newManager(t, leaky(password))
	everything(h, m, "table", "json", "yaml")
	acts(h, m)
	h.files(m.StateDir)
	denied := leaky(wrong)
	denied.Clusters["demo"].Services = denied.Clusters["demo"].Services[:2] // the others say the right password
	written := leaky(literal)
	written.Clusters["demo"].Services = denied.Clusters["demo"].Services
	written.Clusters["demo"].Database["password"] = literal.text
	for _, c := range []conf{denied, written} {
		m := newManager(t, c)
		must(t, os.Chmod(m.file, 0o644))
		a := h.answered(m.run("-o", "json", "instances", "heartbeat").want(t, 3))
		if reason := parse(t, a.stdout).service(t, "node10").Reason; !strings.Contains(reason, "access denied") {
			t.Errorf("the wrong password gives %q", reason)
		}
		everything(h, m, "json")
		h.files(m.StateDir)
	}
	brokenFiles(t, h, literal)
	h.leak(s, m, shared, control)
	stop()
	h.journals(s)
	h.documents(shared)
	for _, name := range []string{"password", "wrong password", "literal password", "store key"} {
		h.want(name)
	}
	h.want("cloud password", journal) // of the machine whose command says it
	h.want("control", arguments, environment, output, stateFile, journal, sharedDocument)
}

// leaky is a configuration whose services say the password back, in every way they can.
func (s *site) leaky(t *testing.T, password, cloud secret) conf {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password.text+"\n"), 0o600))
	c := s.sample()
	demo := c.Clusters["demo"]
	demo.Database = map[string]any{"user": "canary", "password": map[string]any{"file": file}}
	demo.Cloud = map[string]any{"driver": "LOCAL", "user": "account", "password": cloud.text}
	expect := map[string]any{"expect": "^nothing like that$"}
	c.Modes["parrot"] = map[string]any{
		"command": map[string]any{"run": "cat /root/leak; cat /root/leak >&2; exit 3"},
		"start":   "cat /root/said; exit 3", "stop": "cat /root/said >&2; exit 3",
	}
	script := filepath.Join(t.TempDir(), "doctor")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nenv; cat; sleep 0.1; exit 3\n"), 0o755))
	c.Doctor = map[string]any{"scripts": []string{script}}
	c.Actions = map[string]any{"lease": "1s", "first_delay": "100ms", "longest_delay": "1s", "tries": 2}
	c.Modes["echo"] = map[string]any{"command": map[string]any{"run": "cat /root/leak", "expect": "^nothing like that$"}}
	c.Modes["greeter"] = map[string]any{"tcp": expect}
	c.Modes["page"] = map[string]any{"http": expect}
	host := s.HostIP().String()
	demo.Instances = append(demo.Instances, instance{
		Name: "liar", IP: host, SSH: map[string]any{"port": say(t, host, password.text+"\r\n")},
	})
	demo.Services = append(demo.Services,
		service{Name: "parrot3", Mode: "parrot", Instance: "m3"},
		service{Name: "echo3", Mode: "echo", Instance: "m3"},
		service{Name: "greeter1", Mode: "greeter", IP: host, Port: say(t, host, password.text+"\r\n")},
		service{Name: "greeter2", Mode: "greeter", IP: host, Port: say(t, host, strings.Repeat("x", 45)+password.text)},
		service{Name: "page1", Mode: "page", IP: host, Port: say(t, host, "HTTP/1.0 200 OK\r\n\r\n"+password.text)},
		service{Name: "mariadb1", Mode: "mariadb", IP: host, Port: say(t, host, "\x05\x00\x00\x00\xff\x15\x04"+password.text)},
		service{Name: "cache1", Mode: "memcache", IP: host, Port: say(t, host, "SERVER_ERROR "+password.text+"\r\n")},
	)
	return c
}

// say is a server that says the same to everybody. It returns its port.
func say(t *testing.T, ip, text string) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, text)
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// everything runs all commands that tell something, in each of the formats.
func everything(h *hunt, m *manager, formats ...string) {
	for _, format := range formats {
		for _, args := range [][]string{
			{"instances", "heartbeat"},
			{"instances", "heartbeat", "--facts"},
			{"instances", "heartbeat", "--last"},
			{"services", "status", "--facts"},
			{"instances", "stop", "m1"},
			{"instances", "heartbeat", "nowhere"},
			{"events", "list"},
			{"config", "show"},
			{"config", "check"},
		} {
			h.answered(m.run(append([]string{"-o", format}, args...)...))
		}
	}
	h.answered(m.pipe("{level:'instances',command:{action:'heartbeat',facts:true}}{level:'x'"))
	// All is told again as events, with its reasons.
	services := m.Clusters["demo"].Services
	m.Clusters["demo"].Services = services[:1]
	m.configure()
	h.answered(m.run("instances", "heartbeat"))
	m.Clusters["demo"].Services = services
	m.configure()
	h.answered(m.run("instances", "heartbeat"))
	h.answered(m.run("events", "list"))
	f := m.follow()
	h.answered(answer{stdout: fmt.Sprint(f.end(1)), stderr: f.stdout.String()})
}

// acts queues what says secrets when it is done, and has it done, told and held.
func acts(h *hunt, m *manager) {
	h.answered(m.run("services", "start", "parrot3"))
	h.answered(m.run("services", "stop", "parrot3"))
	eventually(h.t, "what says a secret given up", func() bool {
		return readBeat(h.t, h.answered(m.run("-o", "json", "instances", "heartbeat"))).Queue.Failed == 2
	})
	for _, args := range [][]string{
		{"hold", "parrot3", "--reason", "it says too much"},
		{"services", "start", "parrot3"},
		{"-o", "table", "instances", "heartbeat"},
		{"holds"},
		{"release", "parrot3"},
		{"instances", "heartbeat"},
	} {
		h.answered(m.run(args...))
	}
	h.answered(m.pipe("{actions:[{do_level:'services',do_action:'restart',do_group:'parrot3'},{do_level:'x'}]}"))
	h.answered(m.pipe("{events:[{type:'services',name:'parrot3',state:'stopped'},{type:'x'}]}"))
	list := m.actions("--state", "all")
	if len(list) != 3 {
		h.t.Errorf("queued: %+v", list)
	}
	for _, format := range []string{"table", "json", "yaml"} {
		h.answered(m.run("-o", format, "actions", "list", "--state", "all"))
		h.answered(m.run("-o", format, "actions", "show", list[0].ID))
		h.answered(m.run("-o", format, "instances", "heartbeat"))
	}
}

// brokenFiles are configurations with a mistake at or around a password.
func brokenFiles(t *testing.T, h *hunt, literal secret) {
	t.Helper()
	quoted := `'` + strings.ReplaceAll(literal.text, `'`, `''`) + `'`
	for _, text := range []string{
		"password: [" + quoted + "]",
		"password: {" + quoted + ": x}",
		"password: {fiel: " + quoted + "}",
		"password: {file: x, env: " + quoted + "}",
		"password: " + quoted + "\n      password: " + quoted,
		"password: " + quoted + "\n     tls: [",
		"password: \"" + literal.parts[0] + "\n      user: {",
		"password: !!int " + quoted,
		"password: &a " + quoted + "\n      tls: *a",
		"password: |\n       " + literal.parts[0] + "\n\t      x",
		"pasword: " + quoted,
		"tls: off\n      password: " + literal.parts[1] + ": " + literal.parts[0],
	} {
		file := filepath.Join(t.TempDir(), "clmgr.yaml")
		must(t, os.WriteFile(file, []byte("clusters:\n  demo:\n    database:\n      "+text+"\n"), 0o600))
		for _, args := range [][]string{{"config", "check"}, {"config", "show"}, {"instances", "heartbeat"}} {
			a := h.answered(clmgr(t, "", append([]string{"-c", file}, args...)...))
			if a.code != 2 {
				t.Errorf("exit code %d for %q", a.code, text)
			}
		}
	}
}

// leak puts a secret into every channel.
func (h *hunt) leak(s *site, m *manager, shared *memcachedtest.Server, control secret) {
	h.t.Helper()
	shared.Say(fmt.Sprintf("set control 0 0 %d\r\n%s", len(control.text), control.text), "STORED")
	h.answered(m.run("instances", "heartbeat", control.text).want(h.t, 2))
	s.on(h.t, "m3", "logger "+control.text+"; exec env CONTROL="+control.text+" sleep 0.2")
	process := exec.Command("sh", "-c", "sleep 0.2", control.text)
	must(h.t, process.Run())
	must(h.t, os.WriteFile(filepath.Join(m.StateDir, "own", "control"), []byte("x"+control.text), 0o600))
	h.files(m.StateDir)
}

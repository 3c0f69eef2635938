package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/remote/job"
)

const provisionWalkConfig = `
state_dir: %[1]s/state
manager: walker
heartbeat: {deadline: 20s, probe_timeout: 6s}
actions: {lease: 1s, time: 30s, limit: 3m, first_delay: 100ms, longest_delay: 200ms, tries: 1000}
ssh: {user: root, keys: [%[2]s], known_hosts: [%[1]s/known_hosts], agent: false, config_file: none, timeout: 6s, host_key: console}
clusters:
  demo:
    cloud: {driver: EC2, endpoint: %[3]s, region: %[4]s, subnet: %[5]s, template: ami-debian12, user: %[6]s, password: {file: %[1]s/secret}, api_cache: 1ms}
    database: {user: clmgr, password: canary-of-the-database}
    replication: {user: copies, password: canary-of-the-copies}
    instances: [{name: m1, ip: %[7]s}, {name: m2, ip: %[8]s}]
    services:
      - {name: db1, mode: mariadb, instance: m1, role: master, managed: true}
      - {name: db2, mode: mariadb, instance: m2, role: slave, managed: true}
      - {name: lb2, mode: haproxy, instance: m2, managed: true}
`

// walkStep is what a command does on a machine, and a text that only such a command has.
type walkStep struct{ name, mark string }

// walkSteps are all steps of provisioning, in the order in which a text is looked for.
func walkSteps() []walkStep {
	return []walkStep{
		{"job cleared away", "echo cleared"},
		{"packages installed", "apt install -y"},
		{"packages looked at", "dpkg-query -W"},
		{"database laid out", "mariadb-install-db"},
		{"answerer laid out", "useradd --system"},
		{"database looked at", "echo memory"},
		{"accounts made", "CREATE OR REPLACE USER"},
		{"source's history looked at", "SHOW BINARY LOGS"},
		{"replica told whom to follow", "CHANGE MASTER TO"},
		{"replica told to go on", "START SLAVE;"},
		{"row written", "REPLACE INTO clmgr.replication"},
		{"row read", "SELECT proof FROM clmgr.replication"},
		{"replica looked at", "SHOW ALL SLAVES STATUS"},
		{"balancer laid out", `"$unit refuses the configuration`},
		{"balancer looked at", "/run/haproxy/admin.sock"},
		{"unit started", "systemctl start -- "},
		{"unit looked at", `echo "Up=$up"`},
	}
}

// followedMark is in what goes on with a job whose time it takes to be over: whether there
// is a second such command is a matter of speed.
const followedMark = "told=none\nawait"

// namedMachine kills before and after each step, the first time it is met.
type namedMachine struct {
	job.Machine
	killer *killer
}

func (m namedMachine) Run(ctx context.Context, command string, stdin io.Reader) (remote.Output, error) {
	var input []byte
	if stdin != nil {
		var err error
		if input, err = io.ReadAll(stdin); err != nil {
			return remote.Output{}, err
		}
	}
	name := stepOf(command + string(input))
	before, after := "before machine "+name, "after machine "+name
	if name == "" || m.killer.been(before) && m.killer.been(after) {
		return m.Machine.Run(ctx, command, bytes.NewReader(input))
	}
	m.killer.step.Lock() // for good: it is killed before or after it
	m.killer.kill(before)
	out, err := m.Machine.Run(ctx, command, bytes.NewReader(input))
	m.killer.kill(after)
	return out, err
}

// stepOf is the name of a step; what has none is called by its beginning.
func stepOf(text string) string {
	if i := slices.IndexFunc(walkSteps(), func(s walkStep) bool { return strings.Contains(text, s.mark) }); i >= 0 {
		return walkSteps()[i].name
	}
	if strings.Contains(text, followedMark) {
		return ""
	}
	return fmt.Sprintf("%.60q", text)
}

// TestProvisionWalk walks from nothing to a database with a replica and a balancer, on bare
// machines. It is killed before and after each step on a machine, each call of the provider
// and each write of the queue; the end is the same as if nobody had been killed.
func TestProvisionWalk(t *testing.T) {
	w := newWalkOf(t, func(w *walk, common []any) string {
		return fmt.Sprintf(provisionWalkConfig, append(common, w.net+"22")...)
	})
	w.env = []string{walkByStep + "=1"}
	begun := time.Now()
	w.provisioned()
	w.proving()
	w.reach([]int{0}, "services", "start", "all")
	t.Logf("killed %d times, at %d names, in %.1f s", w.kills, len(w.names()), time.Since(begun).Seconds())
	w.checkProvisionNames()
	w.checkProvisioned()
}

// provisioned has everything started, and waits until nothing is left to do.
func (w *walk) provisioned() {
	w.t.Helper()
	w.reach([]int{0, 1, 4}, "services", "start", "all")
	for end := time.Now().Add(10 * time.Minute); ; {
		a := w.reach([]int{0, 3}, "instances", "heartbeat")
		if a.code == 0 && a.Queue.Failed+a.Queue.Running+a.Queue.Waiting == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("it does not come to an end\n%s", w.reach([]int{0}, "actions", "list").out)
		}
	}
}

// proving stops replication until its proof was met in every way: who is killed before or
// after it finds a replica that follows, and needs none.
func (w *walk) proving() {
	all := func() bool {
		names := w.names()
		return len(names["machine row written"]) == 2 && len(names["machine row read"]) == 2
	}
	for n := 0; n < 10 && !all(); n++ {
		w.onMachine("m2", "mariadb -e 'STOP SLAVE'")
		w.provisioned()
	}
}

// onMachine runs a command on a machine, by its name.
func (w *walk) onMachine(machine, command string) string {
	w.t.Helper()
	l, err := lab.Open(w.l.Name())
	w.must(err)
	out, _, err := l.Machine(machine).Run(w.t.Context(), command, nil)
	w.must(err)
	return strings.TrimSpace(string(out))
}

// checkProvisionNames compares the names that were met with the steps, calls and writes that
// there are. A write that takes its time, a step that failed since its machine was still
// booting, or the question whether that is up by now, may be among them or not.
func (w *walk) checkProvisionNames() {
	steps := map[string]bool{}
	for _, s := range walkSteps() {
		steps[s.name] = true
	}
	for place, names := range map[string]struct{ must, may []string }{
		"shared": {
			[]string{"add", "claim", "finish", "lapse", "heartbeat", "events delivered", "listing", "look", "launch", "launched"},
			[]string{"beat", "fail", "stop", "calls"},
		},
		"own":    {[]string{"add", "claim", "finish", "lapse", "begin", "leases", "look"}, []string{"beat", "fail", "stop"}},
		"driver": {[]string{"instances", "launch"}, []string{"instance"}},
	} {
		got := w.words(place)
		for _, name := range names.must {
			if !got[name] {
				w.t.Errorf("%s %s: nobody was killed before and after it", place, name)
			}
		}
		for name := range got {
			if !slices.Contains(names.must, name) && !slices.Contains(names.may, name) {
				w.t.Errorf("%s %s: it is in no table", place, name)
			}
		}
	}
	for name, whens := range w.names() {
		if step, is := strings.CutPrefix(name, "machine "); is && (!steps[step] || len(whens) != 2) {
			w.t.Errorf("%s: it is in no table, or was met %v only", name, whens)
		} else if is {
			delete(steps, step)
		}
	}
	for step := range steps {
		w.t.Errorf("machine %s: nobody was killed before and after it", step)
	}
}

// checkProvisioned checks that all is there, once.
func (w *walk) checkProvisioned() {
	if all := len(w.instances()) + len(w.instancesAt(w.net+"22")); all != 2 {
		w.t.Errorf("there are %d machines", all)
	}
	for _, machine := range []string{"m1", "m2"} {
		if n := w.onMachine(machine, "grep -c ' install mariadb-server:' /var/log/dpkg.log"); n != "1" {
			w.t.Errorf("%s: mariadb-server was installed %s times", machine, n)
		}
		if left := w.onMachine(machine, `find / -xdev \( -name '*.clmgr-*' -o -name '*clmgr-part*' -o -name '*clmgr-ready*' -o -path /usr/sbin/policy-rc.d \) -not -path '/proc/*'
systemctl list-units --all --no-legend --plain 'clmgr-*' | grep -v clmgr-health || true; dpkg --audit`); left != "" {
			w.t.Errorf("left behind on %s: %s", machine, left)
		}
	}
	w.onMachine("m1", "mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (7)'")
	const follows = `for n in $(seq 100); do if [ "$(mariadb -NBe 'SELECT id FROM shop.orders' 2>/dev/null)" = 7 ]; then break; fi; sleep 0.1; done
mariadb -NBe 'SELECT id, @@read_only FROM shop.orders'; mariadb -e 'SHOW ALL SLAVES STATUS\G' | sed -n 's/ *Master_Host: //p; s/ *Using_Gtid: //p; s/ *Slave_[IOSQL]*_Running: //p' | xargs`
	if got, want := w.onMachine("m2", follows), "7\t1\n"+w.ip()+" Yes Yes Slave_Pos"; got != want {
		w.t.Errorf("the replica is %q, want %q", got, want)
	}
}

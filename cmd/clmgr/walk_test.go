package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// walk goes through a story with a clmgr that is killed before and after everything
// that has a name, the first time it is met there, and run again.
type walk struct {
	t     *testing.T
	l     *lab.Lab
	bare  *sdk.Client
	dir   string
	net   string
	conf  string
	env   []string // of every run, besides
	runs  int
	kills int
	slows int
	halts int
}

// TestCrashWalk walks from a machine that is not there to services that run, with a
// step that fails, one that is given up and retried, some that are cancelled, at work
// too, and one that is parked in between. The end is the same as if nobody had been killed.
func TestCrashWalk(t *testing.T) {
	w := newWalk(t)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"launched", w.launched},
		{"started", w.started},
		{"again", w.again},
		{"slow", w.slow},
		{"failing", w.failing},
		{"given up", w.givenUp},
		{"cancelled", w.cancelled},
		{"halted", w.halted},
		{"parked", w.parked},
		{"the end", w.checkEnd},
	} {
		begun, runs, kills := time.Now(), w.runs, w.kills
		step.do()
		t.Logf("%s: %d runs, %d of them killed, in %.1f s", step.name, w.runs-runs, w.kills-kills, time.Since(begun).Seconds())
	}
	w.checkNames()
	t.Logf("killed %d times, at %d names", w.kills, len(w.names()))
}

// launched wants a service on a machine that is not there.
func (w *walk) launched() {
	w.reach([]int{4}, "services", "start", "cache")
	w.untilEmpty()
}

// started wants it again when somebody has switched the machine off.
func (w *walk) started() {
	w.stopBehind()
	w.reach([]int{4}, "services", "start", "cache")
	w.untilEmpty()
}

const walkConfig = `
state_dir: %[1]s/state
manager: walker
heartbeat: {deadline: 10s, probe_timeout: 6s}
actions: {lease: 1s, time: 20s, limit: 30s, first_delay: 100ms, longest_delay: 200ms, tries: 1000}
ssh: {user: root, keys: [%[2]s], known_hosts: [%[1]s/known_hosts], agent: false, config_file: none, timeout: 6s, host_key: console}
modes:
  kept: {command: {run: "true"}}
  slow: {command: {run: "true"}, start: "echo begun >>/root/slow; sleep 2; echo ended >>/root/slow", stop: "true"}
  failing: {command: {run: "true"}, start: "test -e /root/mended || exit 7; echo line >>/root/failing", stop: "true"}
  halted: {command: {run: "true"}, start: "echo begun >>/root/halted; until test -e /root/let; do sleep 0.1; done; echo ended >>/root/halted", stop: "true"}
  late: {command: {run: "true"}, start: "echo line >>/root/late", stop: "true"}
clusters:
  demo:
    cloud: {driver: EC2, endpoint: %[3]s, region: %[4]s, subnet: %[5]s, template: ami-databases, user: %[6]s, password: {file: %[1]s/secret}, api_cache: 1ms}
    instances: [{name: m1, ip: %[7]s}]
    services:
      - {name: cache, mode: kept, instance: m1, unit: memcached}
      - {name: slow1, mode: slow, instance: m1}
      - {name: failing1, mode: failing, instance: m1}
      - {name: halted1, mode: halted, instance: m1}
`

const lateService = "      - {name: late1, mode: late, instance: m1}\n"

func newWalk(t *testing.T) *walk {
	t.Helper()
	w := newWalkOf(t, func(_ *walk, common []any) string { return fmt.Sprintf(walkConfig, common...) })
	w.configure(w.conf + lateService)
	return w
}

// newWalkOf makes a walk in a lab without machines. Its configuration is made of the folder,
// the key, where the provider is, its region and subnet, the account there, and the ip of m1.
func newWalkOf(t *testing.T, conf func(w *walk, common []any) string) *walk {
	t.Helper()
	l := labtest.Up(t, lab.Databases())
	labtest.API(t, l)
	e, _ := l.Endpoint()
	url := e.URL()
	w := &walk{t: t, l: l, dir: t.TempDir(), bare: sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(e.AccessKey, e.Secret, ""),
	})}
	out, err := w.bare.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{})
	w.must(err)
	host := l.HostIP().String()
	w.net = host[:strings.LastIndexByte(host, '.')+1]
	w.must(os.WriteFile(filepath.Join(w.dir, "secret"), []byte(e.Secret), 0o600))
	w.conf = conf(w, []any{w.dir, l.KeyFile(), url, ec2.Region, aws.ToString(out.Subnets[0].SubnetId), e.AccessKey, w.ip()})
	w.configure(w.conf)
	return w
}

func (w *walk) ip() string { return w.net + "21" }

func (w *walk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) configure(text string) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.dir, "clmgr.yaml"), []byte(text), 0o600))
}

func (w *walk) stopBehind() {
	w.t.Helper()
	_, err := w.bare.StopInstances(w.t.Context(), &sdk.StopInstancesInput{InstanceIds: w.instances()})
	w.must(err)
	for end := time.Now().Add(30 * time.Second); !bytes.Contains(w.reach([]int{0, 3}, "instances", "status").out, []byte(`"provider_state": "stopped"`)); {
		if time.Now().After(end) {
			w.t.Fatal("the machine does not stop")
		}
	}
}

// instances are the ids of all that are at the ip of m1.
func (w *walk) instances() []string {
	w.t.Helper()
	return w.instancesAt(w.ip())
}

func (w *walk) instancesAt(ip string) []string {
	w.t.Helper()
	out, err := w.bare.DescribeInstances(w.t.Context(), &sdk.DescribeInstancesInput{})
	w.must(err)
	var ids []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if aws.ToString(i.PrivateIpAddress) == ip {
				ids = append(ids, aws.ToString(i.InstanceId))
			}
		}
	}
	return ids
}

// on executes a shell command on the machine.
func (w *walk) on(command string) string {
	w.t.Helper()
	l, err := lab.Open(w.l.Name())
	w.must(err)
	out, _, err := l.Machine("m1").Run(w.t.Context(), command, nil)
	w.must(err)
	return strings.TrimSpace(string(out))
}

// again asks for a machine that runs, by its id.
func (w *walk) again() {
	w.pipe([]int{0}, fmt.Sprintf(`{actions: [{do_level: "instances", do_action: "start", do_group: "m1", instance: %q}]}`, w.instances()[0]))
	w.untilEmpty()
}

// slow has a step that takes longer than a lease, until a lease was prolonged in
// every way: whether that meets another move in one write is a matter of time.
func (w *walk) slow() {
	for w.slows == 0 || w.slows < 10 && (!w.met("shared", "beat") || !w.met("own", "beat")) {
		w.slows++
		w.reach([]int{0}, "actions", "add", "--do", "services:start:slow1")
		w.untilEmpty()
	}
}

// failing has a step that fails until that was met in every way.
func (w *walk) failing() {
	w.reach([]int{0}, "actions", "add", "--do", "services:start:failing1")
	w.until("failures", func(walkAnswer) bool { return w.met("shared", "fail") && w.met("own", "fail") })
	w.on("touch /root/mended")
	w.untilEmpty()
}

// givenUp has a service leave the configuration while it waits to be started, and
// come back.
func (w *walk) givenUp() {
	id := w.reach([]int{0}, "actions", "add", "--do", "services:start:late1").Actions[0].ID
	w.configure(w.conf)
	for range 3 { // the own copy meets the first by merging, and is killed before and after the others
		w.until("it was given up", func(a walkAnswer) bool { return a.Queue.Failed == 1 })
		w.reach([]int{0, 5}, "actions", "retry", id) // 5: it was retried before it was killed
	}
	w.configure(w.conf + lateService)
	w.untilEmpty()
}

// parked has actions wait until they expire; somebody cancels all but the last.
func (w *walk) parked() {
	for range 2 {
		w.reach([]int{0}, "actions", "cancel", w.expire())
	}
	w.expire()
}

func (w *walk) expire() (id string) {
	w.t.Helper()
	document := fmt.Sprintf(`{actions: [{do_level: "services", do_action: "restart", do_group: "late1", event_type: "instances", event_ip: %q,
		event_state: "stopped", expires: %q}]}`, w.ip(), time.Now().Add(4*time.Second).UTC().Format(time.RFC3339))
	id = w.pipe([]int{0}, document).Actions[0].ID
	w.until("it was parked", func(a walkAnswer) bool { return a.Queue.Failed == 1 })
	return id
}

// checkEnd checks that all is as if nobody had been killed.
func (w *walk) checkEnd() {
	if ids := w.instances(); len(ids) != 1 {
		w.t.Errorf("%d instances have the ip: %v", len(ids), ids)
	}
	for file, want := range map[string]string{
		"slow": strings.Repeat("begun ended ", w.slows), "halted": strings.Repeat("begun ended ", w.halts), "failing": "line", "late": "line",
	} {
		want = strings.TrimSpace(want)
		if got := strings.Join(strings.Fields(w.on("cat /root/"+file)), " "); got != want {
			w.t.Errorf("in %s stands %q", file, got)
		}
	}
	if n := w.on("journalctl --sync; journalctl -b -q --no-pager -o cat --output-fields=INVOCATION_ID UNIT=memcached.service | sort -u | grep -c ."); n != "1" {
		w.t.Errorf("memcached was started %s times since the machine booted", n)
	}
	var got []string
	for _, a := range w.reach([]int{0}, "actions", "list", "--state", "all").Actions {
		got = append(got, a.Action+" "+a.Group+": "+a.State)
	}
	slices.Sort(got)
	want := []string{
		"launch m1: done", "restart late1: cancelled", "restart late1: cancelled", "restart late1: failed", "start cache: done", "start cache: done", "start failing1: done",
		"start late1: done", "start m1: done", "start m1: done", "stop late1: cancelled",
	}
	want = append(want, slices.Repeat([]string{"start slow1: done"}, w.slows)...)
	want = append(want, slices.Repeat([]string{"start halted1: cancelled"}, w.halts)...)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("the queue holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

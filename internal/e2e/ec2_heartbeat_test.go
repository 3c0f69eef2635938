package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// region is a lab without machines until clmgr launches them, its EC2 endpoint, and
// the bare SDK to do things behind clmgr's back.
type region struct {
	*lab.Lab
	api    *lab.API
	bare   *sdk.Client
	subnet string
	vpc    string
	net    string // the first three bytes of all addresses, with a dot
	dir    string // of known_hosts and the secret
}

func newRegion(t *testing.T) *region {
	t.Helper()
	l := labtest.Up(t, lab.Databases())
	r := &region{Lab: l, api: labtest.API(t, l), dir: t.TempDir()}
	e, _ := l.Endpoint()
	must(t, os.WriteFile(filepath.Join(r.dir, "secret"), []byte(e.Secret), 0o600))
	url := e.URL()
	r.bare = sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(e.AccessKey, e.Secret, ""),
	})
	out, err := r.bare.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{})
	must(t, err)
	r.subnet, r.vpc = aws.ToString(out.Subnets[0].SubnetId), aws.ToString(out.Subnets[0].VpcId)
	ip := l.HostIP().String()
	r.net = ip[:strings.LastIndexByte(ip, '.')+1]
	return r
}

// machines is the configuration of m1 and m2, looked at as the provider tells each
// time, with host keys from the consoles.
func (r *region) machines(t *testing.T, cache string) conf {
	t.Helper()
	e, _ := r.Endpoint()
	secret := filepath.Join(r.dir, "secret")
	return conf{
		Heartbeat: map[string]any{"deadline": "10s", "probe_timeout": patience},
		SSH: map[string]any{
			"user": "root", "keys": []string{r.KeyFile()}, "known_hosts": []string{filepath.Join(r.dir, "known_hosts")},
			"agent": false, "config_file": "none", "timeout": patience, "host_key": "console",
		},
		Modes: map[string]any{"sshd": map[string]any{"port": 22, "tcp": map[string]any{"expect": `^SSH-2\.0-`}}},
		Clusters: map[string]*cluster{"demo": {
			Cloud: map[string]any{
				"driver": "EC2", "endpoint": e.URL(), "region": ec2.Region, "subnet": r.subnet, "template": "ami-databases",
				"user": e.AccessKey, "password": map[string]any{"file": secret}, "api_cache": cache,
			},
			Instances: []instance{{Name: "m1", IP: r.net + "21"}, {Name: "m2", IP: r.net + "22"}},
			Services:  []service{{Name: "sshd2", Mode: "sshd", Instance: "m2"}},
		}},
	}
}

// machine finds a machine that was launched since the lab was opened.
func (r *region) machine(t *testing.T, name string) *lab.Machine {
	t.Helper()
	l, err := lab.Open(r.Name())
	must(t, err)
	return l.Machine(name)
}

// told is what of an instance only a cloud tells.
type told struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Provider string `json:"provider_state"`
	SSH      string `json:"ssh"`
	Reason   string `json:"reason"`
	Stale    bool   `json:"stale"`
}

type cloudAnswer struct {
	Instances struct {
		List   []map[string]map[string]any `json:"instances"`
		Return struct {
			API map[string]struct {
				Calls    int `json:"calls"`
				LastHour int `json:"calls_last_hour"`
			} `json:"api"`
		} `json:"return"`
	} `json:"instances_status"`
	Events []event `json:"events"`
}

// look runs a command and returns the instances by name, and the whole.
func (m *manager) look(args ...string) (map[string]told, cloudAnswer) {
	m.t.Helper()
	a := m.run(append([]string{"-o", "json"}, args...)...)
	if a.code != 0 && a.code != 3 {
		m.t.Fatalf("exit code %d\n%s\n%s", a.code, a.stdout, a.stderr)
	}
	var answer cloudAnswer
	must(m.t, json.Unmarshal([]byte(a.stdout), &answer))
	out := map[string]told{}
	for _, one := range answer.Instances.List {
		for _, fields := range one {
			text, err := json.Marshal(fields)
			must(m.t, err)
			var i told
			must(m.t, json.Unmarshal(text, &i))
			out[fmt.Sprint(fields["name"])] = i
		}
	}
	return out, answer
}

// TestOnEC2 launches real machines through the endpoint and goes through what may
// come between a provider, its machines and clmgr.
func TestOnEC2(t *testing.T) {
	t.Parallel()
	r := newRegion(t)
	if _, err := r.api.AddVirtual([]ec2.Virtual{
		{Name: "theirs", IP: r.HostIP().Prev(), VPC: r.vpc, Subnet: r.subnet},
		{Name: "m1", IP: r.HostIP().Next(), Tags: map[string]string{"clmgr:cluster": "demo", "clmgr:name": "m1"}},
	}); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, r.machines(t, "1ms"))
	_, answer := m.look("instances", "heartbeat")
	wantEvents(t, answer.Events)
	m.run("instances", "launch", "all", "--wait").want(t, 0)

	list, answer := m.look("instances", "heartbeat")
	for _, name := range []string{"m1", "m2"} {
		if i := list[name]; i.State != "running" || i.Provider != "running" || i.SSH != "ok" || !strings.HasPrefix(i.ID, "i-") {
			t.Fatalf("%s is %+v", name, i)
		}
	}
	wantEvents(t, answer.Events, "demo/instances/"+list["m1"].ID+": absent → running", "demo/instances/"+list["m2"].ID+": absent → running",
		"demo/services/sshd2: stopped → running")
	if len(list) != 2 {
		t.Errorf("others are shown: %v", list)
	}
	for _, scenario := range []struct {
		name string
		run  func(*testing.T, *region, *manager, map[string]told)
	}{
		{"calls", calls},
		{"provider says running, SSH does not answer", sshSilent},
		{"provider says stopped, SSH answers", sshAnswers},
		{"throttled", throttled},
		{"stopped behind clmgr's back", stoppedBehind},
		{"terminated and launched again", again},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			own := *m
			own.t = t
			scenario.run(t, r, &own, list)
		})
	}
}

// calls: one when nothing is fresh, none when it is.
func calls(t *testing.T, r *region, m *manager, _ map[string]told) {
	r.api.ResetCalls()
	_, answer := m.look("instances", "heartbeat", "--facts")
	if n := r.api.Calls().Total; n != 1 || answer.Instances.Return.API["demo"].Calls != 1 {
		t.Errorf("the endpoint counted %d calls, clmgr %+v; want one", n, answer.Instances.Return.API)
	}
	fresh := newManager(t, r.machines(t, "1h"))
	fresh.StateDir = m.StateDir
	fresh.configure()
	for range 2 {
		_, answer = fresh.look("instances", "heartbeat", "--facts")
	}
	if n := r.api.Calls().Total; n != 1 || answer.Instances.Return.API["demo"].Calls != 0 {
		t.Errorf("the endpoint counted %d calls, clmgr %+v; want none more", n, answer.Instances.Return.API)
	}
}

func sshSilent(t *testing.T, r *region, m *manager, was map[string]told) {
	must(t, r.machine(t, "m1").Kill(t.Context()))
	t.Cleanup(func() {
		must(t, r.machine(t, "m1").PowerOn(context.Background()))
		must(t, r.machine(t, "m1").WaitSSH(context.Background()))
	})
	list, answer := m.look("instances", "heartbeat")
	if i := list["m1"]; i.State != "pending" || i.Provider != "running" || i.SSH == "ok" || !strings.Contains(i.Reason, "the provider says running, but over SSH: ") {
		t.Errorf("m1 is %+v", i)
	}
	wantEvents(t, answer.Events, "demo/instances/"+was["m1"].ID+": running → pending")
}

func sshAnswers(t *testing.T, r *region, m *manager, was map[string]told) {
	m.look("instances", "heartbeat")
	m.run("instances", "stop", "m1", "--wait").want(t, 0)
	must(t, r.machine(t, "m1").PowerOn(t.Context()))
	must(t, r.machine(t, "m1").WaitSSH(t.Context()))
	list, answer := m.look("instances", "heartbeat")
	if i := list["m1"]; i.State != "stopped" || i.SSH != "ok" || i.Reason != "the provider says stopped, but SSH answers" {
		t.Errorf("m1 is %+v", i)
	}
	wantEvents(t, answer.Events, "demo/instances/"+was["m1"].ID+": running → stopped")
	m.run("instances", "start", was["m1"].ID, "--wait").want(t, 0)
	eventually(t, "m1 running", func() bool { list, _ := m.look("instances", "heartbeat"); return list["m1"].State == "running" })
}

func throttled(t *testing.T, r *region, m *manager, was map[string]told) {
	must(t, r.api.SetFaults(ec2.Faults{Seed: 7, Rules: []ec2.Fault{{Effect: ec2.Refused}}}))
	began := time.Now()
	a := m.run("-o", "json", "instances", "heartbeat").want(t, 3)
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("it took %s, more than its deadline", took)
	}
	d := parse(t, a.stdout)
	wantEvents(t, d.Events)
	for _, name := range []string{"m1", "m2"} {
		if e := d.instance(t, was[name].ID); !e.Stale || e.State != "running" || !strings.Contains(e.Reason, "RequestLimitExceeded") || !strings.Contains(e.Reason, "; last listed ") {
			t.Errorf("%s is %+v", name, e)
		}
	}
	if e := d.service(t, "sshd2"); e.Stale || e.State != "running" {
		t.Errorf("the service is %+v", e)
	}
	must(t, r.api.SetFaults(ec2.Faults{Seed: 7, Rules: []ec2.Fault{{Effect: ec2.Refused, Share: 0.9}}}))
	began = time.Now()
	_, answer := m.look("instances", "heartbeat")
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("it took %s, more than its deadline", took)
	}
	wantEvents(t, answer.Events)
	must(t, r.api.SetFaults(ec2.Faults{}))
	_, answer = m.look("instances", "heartbeat")
	wantEvents(t, answer.Events)
}

func stoppedBehind(t *testing.T, r *region, m *manager, was map[string]told) {
	_, err := r.bare.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{was["m2"].ID}})
	must(t, err)
	eventually(t, "m2 stopped", func() bool { list, _ := m.look("instances", "status"); return list["m2"].State == "stopped" })
	list, answer := m.look("instances", "heartbeat")
	if i := list["m2"]; i.Provider != "stopped" || i.Stale {
		t.Errorf("m2 is %+v", i)
	}
	wantEvents(t, answer.Events, "demo/instances/"+was["m2"].ID+": running → stopped", "demo/services/sshd2: running → stopped")
}

func again(t *testing.T, r *region, m *manager, was map[string]told) {
	m.run("instances", "terminate", "m2").want(t, 5, "refused by not-confirmed")
	m.run("instances", "terminate", "m2", "--yes", "--wait").want(t, 0)
	if r.machine(t, "m2") != nil {
		t.Error("the machine is still there")
	}
	_, gone := m.look("instances", "heartbeat")
	wantEvents(t, gone.Events, "demo/instances/"+was["m2"].ID+": stopped → absent")
	a := m.run("instances", "launch", "m2", "--wait").want(t, 0)
	if strings.Contains(a.stdout, was["m2"].ID) {
		t.Errorf("the dead instance again: %s", a.stdout)
	}
	// Its host key is another one, which its console tells.
	list, answer := m.look("instances", "heartbeat")
	if i := list["m2"]; i.State != "running" || i.SSH != "ok" {
		t.Errorf("m2 is %+v", i)
	}
	wantEvents(t, answer.Events, "demo/instances/"+list["m2"].ID+": absent → running", "demo/services/sshd2: stopped → running")
}

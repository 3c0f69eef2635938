package ec2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// The test binary is also the endpoint's own process: with this variable set it serves
// the lab of that name.
const serveVariable = "CLMGR_EC2_TEST_SERVE"

func TestMain(m *testing.M) {
	if name := os.Getenv(serveVariable); name != "" {
		os.Exit(serve(name))
	}
	os.Exit(m.Run())
}

func serve(name string) int {
	l, err := lab.Open(name)
	if err == nil {
		var api *lab.API
		if api, err = l.OpenAPI(context.Background(), os.Stderr); err == nil {
			os.WriteFile(filepath.Join(l.Dir(), "test-pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
			fmt.Println("ready")
			err = api.Wait(context.Background())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// region is a lab with an endpoint, the SDK and Debian's aws command talking to it.
type region struct {
	site
	lab *lab.Lab
	api *lab.API
	net string // the first three bytes of all addresses, with a dot
}

func machines(t *testing.T, names ...string) region {
	t.Helper()
	l := labtest.Up(t, lab.Databases(), names...)
	api := labtest.API(t, l)
	e, _ := l.Endpoint()
	ip := l.HostIP().String()
	return region{
		site{Client: client(e.URL(), e.AccessKey, e.Secret), server: api.Server, url: e.URL()},
		l, api, ip[:strings.LastIndexByte(ip, '.')+1],
	}
}

// aws runs Debian's aws command and decodes its answer.
func (r region) aws(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, err := r.command(t, args...)
	if err != nil {
		t.Fatalf("aws ec2 %s: %v: %s", strings.Join(args, " "), err, out)
	}
	answer := map[string]any{}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("aws ec2 %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	return answer
}

func (r region) command(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	e, _ := r.lab.Endpoint()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/aws", append([]string{"--region", "eu-lab-1", "--endpoint-url", e.URL(), "--output", "json", "ec2"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_SHARED_CREDENTIALS_FILE=" + r.lab.CredentialsFile(), "AWS_PAGER="}
	return cmd.CombinedOutput()
}

// ssh runs a command on an address through the network, with the lab's known hosts.
func (r region) ssh(t *testing.T, ip, command string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ssh", "-i", r.lab.KeyFile(), "-o", "UserKnownHostsFile="+r.lab.KnownHosts(),
		"-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-F", "none", "root@"+ip, command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestRealMachines takes a real Debian machine through its life with Debian's aws command
// and its waiters.
func TestRealMachines(t *testing.T) {
	t.Parallel()
	r := machines(t, "m1")
	first := r.aws(t, "describe-instances", "--query", "Reservations[0].Instances[0]")
	if first["PrivateIpAddress"] != r.net+"11" || first["ImageId"] != "ami-databases" {
		t.Errorf("the lab's own machine: %v", first)
	}
	ip := r.net + "50"
	made := r.aws(t, "run-instances", "--image-id", "ami-databases", "--private-ip-address", ip, "--query", "Instances[0]",
		"--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=m4}]")
	id := made["InstanceId"].(string)
	r.aws(t, "wait", "instance-running", "--instance-ids", id)
	r.aws(t, "wait", "instance-status-ok", "--instance-ids", id)
	if out, err := r.ssh(t, ip, "hostname; echo kept >/root/note; sync"); err != nil || out != "m4" {
		t.Fatalf("ssh to the new machine: %s %v", out, err)
	}
	console := r.aws(t, "get-console-output", "--instance-id", id)["Output"].(string)
	known, err := os.ReadFile(r.lab.KnownHosts())
	must(t, err)
	if key := keyBlock(console); len(key) < 2 || !strings.Contains(string(known), ip+" "+key[0]+" "+key[1]) {
		t.Errorf("the console's host keys %q are not in\n%s", key, known)
	}

	// The cord is pulled behind the API's back: it says running, and impaired.
	l, err := lab.Open(r.lab.Name())
	must(t, err)
	must(t, l.Machine("m4").Kill(t.Context()))
	status := r.aws(t, "describe-instance-status", "--instance-ids", id, "--query", "InstanceStatuses[0].{is:InstanceStatus.Status,state:InstanceState.Name}")
	if status["is"] != "impaired" || status["state"] != "running" {
		t.Errorf("without power: %v", status)
	}
	must(t, l.Machine("m4").PowerOn(t.Context()))

	r.aws(t, "stop-instances", "--instance-ids", id)
	r.aws(t, "wait", "instance-stopped", "--instance-ids", id)
	if l.Machine("m4").Running() {
		t.Error("stopped, and it has power")
	}
	r.aws(t, "start-instances", "--instance-ids", id)
	r.aws(t, "wait", "instance-running", "--instance-ids", id)
	if out, err := r.ssh(t, ip, "cat /root/note"); err != nil || out != "kept" {
		t.Errorf("the disk after a stop and a start: %s %v", out, err)
	}
	r.aws(t, "terminate-instances", "--instance-ids", id)
	r.aws(t, "wait", "instance-terminated", "--instance-ids", id)
	if l, err = lab.Open(r.lab.Name()); err != nil || l.Machine("m4") != nil {
		t.Errorf("terminated, and the machine is there: %v", err)
	}
	again := r.aws(t, "run-instances", "--image-id", "ami-databases", "--private-ip-address", ip, "--query", "Instances[0]")
	r.aws(t, "wait", "instance-running", "--instance-ids", again["InstanceId"].(string))
	if out, err := r.ssh(t, ip, "cat /root/note"); err == nil || !strings.Contains(out, "No such file") {
		t.Errorf("the disk of a terminated machine came back: %s %v", out, err)
	}
}

// keyBlock is the first host key cloud-init's block has, in words.
func keyBlock(console string) []string {
	_, rest, _ := strings.Cut(console, "-----BEGIN SSH HOST KEY KEYS-----\r\n")
	line, _, _ := strings.Cut(rest, "\r\n")
	return strings.Fields(line)
}

// TestEveryCall makes each of the other calls with Debian's aws command.
func TestEveryCall(t *testing.T) {
	t.Parallel()
	r := machines(t, "m1", "m2")
	got := r.aws(t, "describe-instances", "--query", "{ids: Reservations[].Instances[].InstanceId, nics: Reservations[].Instances[].NetworkInterfaces[].NetworkInterfaceId, subnet: Reservations[0].Instances[0].SubnetId}")
	id := func(n int) string { return got["ids"].([]any)[n].(string) }
	nic := func(n int) string { return got["nics"].([]any)[n].(string) }
	r.aws(t, "create-tags", "--resources", id(0), "--tags", "Key=role,Value=db")
	r.aws(t, "describe-tags", "--filters", "Name=resource-id,Values="+id(0))
	r.aws(t, "delete-tags", "--resources", id(0), "--tags", "Key=role")
	a := r.aws(t, "allocate-address")
	as := r.aws(t, "associate-address", "--allocation-id", a["AllocationId"].(string), "--instance-id", id(0))
	r.aws(t, "describe-addresses")
	r.aws(t, "disassociate-address", "--association-id", as["AssociationId"].(string))
	r.aws(t, "release-address", "--allocation-id", a["AllocationId"].(string))
	r.aws(t, "assign-private-ip-addresses", "--network-interface-id", nic(0), "--private-ip-addresses", r.net+"200")
	r.aws(t, "assign-private-ip-addresses", "--network-interface-id", nic(1), "--private-ip-addresses", r.net+"200", "--allow-reassignment")
	r.aws(t, "unassign-private-ip-addresses", "--network-interface-id", nic(1), "--private-ip-addresses", r.net+"200")
	n := r.aws(t, "create-network-interface", "--subnet-id", got["subnet"].(string), "--query", "NetworkInterface")["NetworkInterfaceId"].(string)
	at := r.aws(t, "attach-network-interface", "--network-interface-id", n, "--instance-id", id(1), "--device-index", "1")
	r.aws(t, "describe-network-interfaces", "--network-interface-ids", n)
	r.aws(t, "detach-network-interface", "--attachment-id", at["AttachmentId"].(string))
	r.aws(t, "delete-network-interface", "--network-interface-id", n)
	for _, what := range []string{"images", "subnets", "vpcs", "security-groups", "regions", "availability-zones"} {
		for name, list := range r.aws(t, "describe-"+what) {
			if len(list.([]any)) == 0 {
				t.Errorf("describe-%s: no %s", what, name)
			}
		}
	}
	out, err := r.command(t, "terminate-instances", "--instance-ids", "i-00000000000000001")
	if err == nil || !strings.Contains(string(out), "(InvalidInstanceID.NotFound)") {
		t.Errorf("an unknown instance: %v %s", err, out)
	}
}

// TestAssignedOnly: an address that the API gave to nobody, or to another machine, gets no
// traffic; one that moves by the API does.
func TestAssignedOnly(t *testing.T) {
	t.Parallel()
	r := machines(t, "m1", "m2")
	vip := r.net + "200"
	inside := func(name, command string) error {
		_, _, err := r.lab.Machine(name).Run(t.Context(), command, nil)
		return err
	}
	nic := func(name string) *string {
		out, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("tag:Name", name)}})
		must(t, err)
		return out.Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId
	}
	assign := func(name string) {
		yes := true
		_, err := r.AssignPrivateIpAddresses(t.Context(), &sdk.AssignPrivateIpAddressesInput{
			NetworkInterfaceId: nic(name), PrivateIpAddresses: []string{vip}, AllowReassignment: &yes,
		})
		must(t, err)
	}
	must(t, inside("m1", "ip addr add "+vip+"/32 dev eth0"))
	if r.reaches(t, vip) {
		t.Error("an address that nobody was given answers")
	}
	assign("m1")
	r.eventually(t, vip, "an address that m1 was given does not answer")
	assign("m2")
	if r.reaches(t, vip) {
		t.Error("an address that was given to m2 answers on m1")
	}
	must(t, inside("m2", "ip addr add "+vip+"/32 dev eth0"))
	must(t, inside("m1", "ip addr del "+vip+"/32 dev eth0"))
	// Nobody announced the move here, as keepalived would: forget where the address was.
	must(t, exec.Command("ip", "neigh", "flush", "to", vip).Run())
	r.eventually(t, vip, "an address that m2 was given does not answer")
}

// TestElasticTraffic: what is sent to an elastic address arrives where it is associated,
// from this host and from the machines.
func TestElasticTraffic(t *testing.T) {
	t.Parallel()
	r := machines(t, "m1", "m2")
	out, err := r.AllocateAddress(t.Context(), &sdk.AllocateAddressInput{})
	must(t, err)
	for _, name := range []string{"m1", "m2", "m1"} {
		found, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: []types.Filter{filter("tag:Name", name)}})
		must(t, err)
		_, err = r.AssociateAddress(t.Context(), &sdk.AssociateAddressInput{
			AllocationId: out.AllocationId, InstanceId: found.Reservations[0].Instances[0].InstanceId,
		})
		must(t, err)
		got, err := exec.CommandContext(t.Context(), "ssh", "-i", r.lab.KeyFile(), "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", "-F", "none", "root@"+*out.PublicIp, "hostname").Output()
		if strings.TrimSpace(string(got)) != name {
			t.Errorf("behind %s is %s, want %s: %v", *out.PublicIp, got, name, err)
		}
	}
	if _, _, err := r.lab.Machine("m2").Run(t.Context(), "timeout 5 bash -c 'head -c4 </dev/tcp/"+*out.PublicIp+"/22'", nil); err != nil {
		t.Errorf("from a machine: %v", err)
	}
}

// reaches tells whether sshd answers at the address, asked from this host.
func (r region) reaches(t *testing.T, ip string) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", ip+":22", 300*time.Millisecond)
	if err != nil {
		return false
	}
	defer conn.Close()
	return true
}

// eventually asks for 10 s: a question about an address is repeated after a second only.
func (r region) eventually(t *testing.T, ip, complaint string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !r.reaches(t, ip); {
		if time.Now().After(end) {
			t.Fatal(complaint)
		}
	}
}

// TestOwnProcess: the endpoint's process is killed with a launch under way; the next one
// has the same address and secrets, finishes the launch, and ends with the lab.
func TestOwnProcess(t *testing.T) {
	l := labtest.Up(t, lab.Databases())
	t.Setenv(serveVariable, l.Name())
	e, err := l.StartAPI(t.Context(), os.Args[0])
	must(t, err)
	s := site{Client: client(e.URL(), e.AccessKey, e.Secret), url: e.URL()}
	ip := l.HostIP().String()
	ip = ip[:strings.LastIndexByte(ip, '.')] + ".60"
	out, err := s.RunInstances(t.Context(), at(ip, "tok"))
	must(t, err)
	text, err := os.ReadFile(filepath.Join(l.Dir(), "test-pid"))
	must(t, err)
	pid, err := strconv.Atoi(string(text))
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	for end := time.Now().Add(10 * time.Second); l.APIRunning(); {
		if time.Now().After(end) {
			t.Fatal("it lives on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	again, err := l.StartAPI(t.Context(), os.Args[0])
	must(t, err)
	if again != e {
		t.Errorf("the endpoint was %+v and is %+v", e, again)
	}
	if same, err := l.StartAPI(t.Context(), "/bin/false"); err != nil || same != e {
		t.Errorf("starting it twice: %v", err)
	}
	s.wait(t, *out.Instances[0].InstanceId, "running")
	must(t, l.Down(t.Context()))
	if l.APIRunning() {
		t.Error("the endpoint outlived its lab")
	}
}

package bench

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
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
	"github.com/clmgr/clmgr/pkg/command"
)

// handText is what an operator's script does once the machines are launched.
//
//go:embed testdata/replicated.sh
var handText string

// handCache is the same for machines that carry memcached alone.
//
//go:embed testdata/cached.sh
var handCache string

// databases and caches are what clmgr is to bring about.
const (
	databases = `
    database: {user: clmgr, password: database}
    replication: {user: copies, password: copies}
    services:
      - {name: db1, mode: mariadb, instance: m1, role: master, managed: true}
      - {name: db2, mode: mariadb, instance: m2, role: slave, managed: true}
`
	cacheService = "      - {name: cache%d, mode: memcache, instance: m%[1]d, managed: true}\n"
)

// BenchmarkFromNothing goes from no machine to a row that was written at a primary and read
// at its replica, against a shell script that does the same. Promised is a ratio of at most 1.15.
func BenchmarkFromNothing(b *testing.B) {
	f := newRegion(b, labtest.Up(b, lab.Debian12()))
	for b.Loop() {
		hand := f.hand(b, handText, 2)
		product := f.product(b, databases, 2)
		b.Logf("by hand %.0f ms, clmgr %.0f ms", hand, product)
		f.hands, f.products, f.ratios = append(f.hands, hand), append(f.products, product), append(f.ratios, product/hand)
	}
	f.report(b)
}

// share is how many percent of a processor each of five machines has, so that they and clmgr
// find room on two.
const share = 30

// BenchmarkFiveFromNothing goes from no machine to five that serve, against one. Promised is
// a ratio of at most 1.5. As in a cloud a machine has its own share of a processor, which
// the others do not take from it. by-hand is the same ratio of a script that does all five
// side by side.
func BenchmarkFiveFromNothing(b *testing.B) {
	f := newRegion(b, labtest.Shared(b, share))
	services := func(n int) string {
		text := "    services:\n"
		for i := range n {
			text += fmt.Sprintf(cacheService, i+1)
		}
		return text
	}
	var byHand []float64
	for b.Loop() {
		byHand = append(byHand, 1/f.hand(b, handCache, 1)*f.hand(b, handCache, 5))
		one, five := f.product(b, services(1), 1), f.product(b, services(5), 5)
		b.Logf("one %.0f ms, five %.0f ms", one, five)
		f.hands, f.products, f.ratios = append(f.hands, one), append(f.products, five), append(f.ratios, five/one)
	}
	f.report(b)
	b.ReportMetric(median(byHand), "by-hand")
}

// region is a lab without machines and its EC2 endpoint.
type region struct {
	*lab.Lab
	bare        *sdk.Client
	access, url string
	subnet      string
	next        int // of the addresses
	hands       []float64
	products    []float64
	ratios      []float64
}

func newRegion(b *testing.B, l *lab.Lab) *region {
	b.Helper()
	r := &region{Lab: l, next: 20}
	labtest.API(b, r.Lab)
	e, _ := r.Endpoint()
	r.url = e.URL()
	secret := filepath.Join(b.TempDir(), "secret")
	write(b, secret, e.Secret)
	r.access = fmt.Sprintf("user: %s, password: {file: %s}", e.AccessKey, secret)
	r.bare = sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &r.url, Credentials: credentials.NewStaticCredentialsProvider(e.AccessKey, e.Secret, ""),
	})
	out, err := r.bare.DescribeSubnets(b.Context(), &sdk.DescribeSubnetsInput{})
	if err != nil {
		b.Fatal(err)
	}
	r.subnet = aws.ToString(out.Subnets[0].SubnetId)
	return r
}

// addresses are n that no machine has had: nobody waits for another one's to be free.
func (r *region) addresses(n int) []string {
	host := r.HostIP().As4()
	var out []string
	for range n {
		r.next++
		out = append(out, fmt.Sprintf("%d.%d.%d.%d", host[0], host[1], host[2], r.next))
	}
	return out
}

// hand launches machines and runs the script with their addresses, and takes how long.
func (r *region) hand(b *testing.B, script string, n int) float64 {
	b.Helper()
	ips := r.addresses(n)
	defer r.clear(b)
	dir := b.TempDir()
	return clock(func() {
		for _, ip := range ips {
			_, err := r.bare.RunInstances(b.Context(), &sdk.RunInstancesInput{
				ImageId: aws.String("ami-debian12"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &r.subnet, PrivateIpAddress: aws.String(ip),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		cmd := exec.CommandContext(b.Context(), "bash", append([]string{"-c", script, "hand"}, ips...)...)
		cmd.Env = append(os.Environ(), "KEY="+r.KeyFile(), "DIR="+dir)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v: %.2000s", err, said.String())
		}
	})
}

// product has clmgr start all, and takes how long.
func (r *region) product(b *testing.B, services string, n int) float64 {
	b.Helper()
	var machines []string
	for i, ip := range r.addresses(n) {
		machines = append(machines, fmt.Sprintf("{name: m%d, ip: %s}", i+1, ip))
	}
	defer r.clear(b)
	dir := b.TempDir()
	do := beats(b, fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
ssh: {user: root, keys: [%s], known_hosts: [%s], agent: false, config_file: none, host_key: console}
clusters:
  c:
    cloud: {driver: EC2, endpoint: %q, region: %s, subnet: %s, template: ami-debian12, %s}
    instances: [%s]
%s`, filepath.Join(dir, "state"), r.KeyFile(), filepath.Join(dir, "known_hosts"), r.url, ec2.Region, r.subnet, r.access, strings.Join(machines, ", "), services))
	return clock(func() { mustRun(b, do(command.Command{Level: "services", Action: "start", Group: "all", Wait: true})) })
}

// clear terminates all machines, and waits until they are gone.
func (r *region) clear(b *testing.B) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		out, err := r.bare.DescribeInstances(ctx, &sdk.DescribeInstancesInput{})
		if err != nil {
			b.Fatal(err)
		}
		var left []string
		for _, reservation := range out.Reservations {
			for _, i := range reservation.Instances {
				if i.State.Name != "terminated" {
					left = append(left, aws.ToString(i.InstanceId))
				}
			}
		}
		if len(left) == 0 {
			return
		}
		if _, err := r.bare.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: left}); err != nil {
			b.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (r *region) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(r.products), "ms/clmgr")
	b.ReportMetric(median(r.hands), "ms/floor")
	b.ReportMetric(median(r.ratios), "ratio")
}

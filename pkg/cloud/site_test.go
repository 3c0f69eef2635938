package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/store"
)

const (
	accessKey = "AKIATESTTESTTESTTEST"
	secret    = "a/secret+of=the/tests"
)

// site is an EC2 endpoint of the lab without machines behind it, a store, and
// the bare SDK to see with what is true.
type site struct {
	*ec2.Server
	url    string
	folder string // of the store
	vpc    string
	subnet string
	bare   *sdk.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	return openSite(t, filepath.Join(t.TempDir(), "store"))
}

// test is a test, or one check of a property.
type test interface {
	rapid.TB
	Cleanup(func())
}

func openSite(t test, folder string) *site {
	t.Helper()
	return siteOf(t, folder, nil)
}

// siteOf has machines behind its instances.
func siteOf(t test, folder string, machines ec2.Machines) *site {
	t.Helper()
	server, err := ec2.New(context.Background(), ec2.Options{
		Credentials: ec2.Credentials{AccessKey: accessKey, Secret: secret},
		Prefix:      netip.MustParsePrefix("10.1.0.0/16"), Public: netip.MustParsePrefix("198.18.2.0/24"),
		Images: []ec2.Image{{Name: "databases"}}, Seed: t.Name(), Machines: machines,
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(server.Close)
	t.Cleanup(web.Close)
	t.Cleanup(web.CloseClientConnections)
	s := &site{Server: server, url: web.URL, folder: folder}
	s.bare = sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &s.url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secret, ""), HTTPClient: &http.Client{},
	})
	out, err := s.bare.DescribeSubnets(context.Background(), &sdk.DescribeSubnetsInput{})
	if err != nil || len(out.Subnets) != 1 {
		t.Fatalf("subnets %v, error %v", out, err)
	}
	s.vpc, s.subnet = *out.Subnets[0].VpcId, *out.Subnets[0].SubnetId
	s.ResetCalls()
	return s
}

// machines are m1, m2, … at 10.1.0.11 and up.
func machines(n int) []cloud.Machine {
	var out []cloud.Machine
	ip := netip.MustParseAddr("10.1.0.10")
	for i := range n {
		ip = ip.Next()
		out = append(out, cloud.Machine{Name: fmt.Sprintf("m%d", i+1), IP: ip})
	}
	return out
}

// storeDocuments is a file store as drivers want it.
type storeDocuments struct{ store.Store }

func (d storeDocuments) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := d.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return b, err
}

func openDocuments(t rapid.TB, folder string) storeDocuments {
	t.Helper()
	s, err := store.Open(context.Background(), "file:"+folder, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return storeDocuments{s}
}

// options are those of a driver of n machines; each call is like a process of its own.
func (s *site) options(t rapid.TB, n int) cloud.EC2Options {
	t.Helper()
	return cloud.EC2Options{
		Cluster: "prod", Machines: machines(n), Endpoint: s.url, Region: ec2.Region,
		AccessKey: accessKey, Secret: func() string { return secret },
		VPC: s.vpc, Subnet: s.subnet, Image: "ami-databases", InstanceType: "t3.micro",
		Documents: openDocuments(t, s.folder),
	}
}

func (s *site) driver(t testing.TB, n int) *cloud.EC2 {
	t.Helper()
	return cloud.NewEC2(s.options(t, n))
}

func (s *site) cached(t testing.TB, n int, ttl time.Duration) *cloud.Cache {
	t.Helper()
	o := s.options(t, n)
	return cloud.Cached(cloud.NewEC2(o), o.Documents, o.Cluster, ttl)
}

// live is every instance at the endpoint that is not terminated, seen without
// faults, by address.
func (s *site) live(t rapid.TB) map[string][]types.Instance {
	t.Helper()
	faults := s.Faults()
	if err := s.SetFaults(ec2.Faults{}); err != nil {
		t.Fatal(err)
	}
	for range max(faults.Unlisted.Calls, faults.Untagged.Calls) { // until everything has settled
		if _, err := s.bare.DescribeInstances(context.Background(), &sdk.DescribeInstancesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string][]types.Instance{}
	for p := sdk.NewDescribeInstancesPaginator(s.bare, &sdk.DescribeInstancesInput{}); p.HasMorePages(); {
		page, err := p.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if i.State.Name != types.InstanceStateNameTerminated {
					found[aws.ToString(i.PrivateIpAddress)] = append(found[aws.ToString(i.PrivateIpAddress)], i)
				}
			}
		}
	}
	if err := s.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	return found
}

func (s *site) fault(t testing.TB, rules ...ec2.Fault) {
	t.Helper()
	if err := s.SetFaults(ec2.Faults{Seed: 1, Rules: rules}); err != nil {
		t.Fatal(err)
	}
}

// until asks for the machine until it is in the state.
func until(t testing.TB, d cloud.Driver, name, state string) cloud.Instance {
	t.Helper()
	var i cloud.Instance
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if i, err = d.Instance(context.Background(), name); err != nil {
			t.Fatal(err)
		}
		if i.State == state {
			return i
		}
	}
	t.Fatalf("%s stays %s, want %s", name, i.State, state)
	return i
}

// good returns a function that passes on an answer, which must be good.
func good(t testing.TB) func(cloud.Instance, error) cloud.Instance {
	t.Helper()
	return func(i cloud.Instance, err error) cloud.Instance {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
}

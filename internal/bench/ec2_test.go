package bench

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/clmgr/clmgr/internal/lab/ec2"
	"github.com/clmgr/clmgr/pkg/command"
)

// BenchmarkEC2of2000 is a heartbeat over 200 EC2 instances with SSH, in an account of
// 2,000: one filtered listing, against the bare SDK making that call and the bare
// handshakes after it. Beside them is the listing without the filter.
func BenchmarkEC2of2000(b *testing.B) {
	const key, secret, subnet = "AKIABENCHBENCHBENCH0", "secret-of-the-benchmark", "subnet-0123456789abcdef0"
	f := newFarm(b)
	server, err := ec2.New(context.Background(), ec2.Options{
		Credentials: ec2.Credentials{AccessKey: key, Secret: secret}, Seed: "bench",
		Prefix: netip.MustParsePrefix("10.1.0.0/16"), Public: netip.MustParsePrefix("198.18.0.0/24"),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	web := httptest.NewServer(server)
	defer web.Close()
	var ours []string
	var all []ec2.Virtual
	for i := range 2000 {
		v := ec2.Virtual{Name: fmt.Sprintf("n%d", i), IP: netip.MustParseAddr(fmt.Sprintf("10.2.%d.%d", i/250, i%250+1)), Subnet: subnet}
		if i%10 == 0 {
			ours = append(ours, f.ip(i/10))
			v.IP = netip.MustParseAddr(f.ip(i / 10))
		}
		all = append(all, v)
	}
	if _, err := server.AddVirtual(all); err != nil {
		b.Fatal(err)
	}
	b.Setenv("AWS_ACCESS_KEY_ID", key)
	b.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	product := heartbeat(b, fmt.Sprintf(`
state_dir: %s
heartbeat: {deadline: 60s}
ssh: %s
clusters:
  c:
    cloud: {driver: EC2, endpoint: %q, region: %s, subnet: %s, api_cache: 1ns}
    instances:
%s`, b.TempDir(), f.settings(), web.URL, ec2.Region, subnet, f.instances()), command.OK)
	describe := func(in *sdk.DescribeInstancesInput, want int) {
		bare := sdk.New(sdk.Options{
			Region: ec2.Region, BaseEndpoint: &web.URL, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		})
		found := 0
		for p := sdk.NewDescribeInstancesPaginator(bare, in); p.HasMorePages(); {
			page, err := p.NextPage(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			found += len(page.Reservations)
		}
		if found != want {
			b.Fatalf("%d found, want %d", found, want)
		}
	}
	filtered := &sdk.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("private-ip-address"), Values: ours}}}
	before := server.Calls().Total
	product()
	calls := server.Calls().Total - before
	duel(b, product, func() {
		describe(filtered, 200)
		f.floor(b)
	})
	b.ReportMetric(float64(calls), "calls/heartbeat")
	b.ReportMetric(clock(func() { describe(filtered, 200) }), "ms/listing")
	b.ReportMetric(clock(func() { describe(&sdk.DescribeInstancesInput{}, 2000) }), "ms/unfiltered")
}

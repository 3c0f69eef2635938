package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// cloudConfig is a configuration of machines at an EC2 endpoint. Nothing listens on
// their SSH ports.
const cloudConfig = `
state_dir: state
clusters:
  prod:
    cloud: {driver: EC2, endpoint: %q, region: %s, subnet: %s, template: ami-databases, elastic_ip: %s}
    ssh: {config_file: none, agent: false}
    instances:
      - {name: m1, ip: 127.7.0.11, ssh: {port: 1}}
      - {name: m2, ip: 127.7.0.12, ssh: {port: 1}}
`

// withEC2 gives a script an EC2 endpoint without machines, and ec2.yaml for it.
func withEC2(e *testscript.Env) error {
	const key, secret = "AKIATESTTESTTESTTEST", "secret-of-the-scripts"
	ctx := context.Background()
	server, err := ec2.New(ctx, ec2.Options{
		Credentials: ec2.Credentials{AccessKey: key, Secret: secret}, Images: []ec2.Image{{Name: "databases"}}, Seed: "script",
		Prefix: netip.MustParsePrefix("127.7.0.0/24"), Public: netip.MustParsePrefix("198.18.7.0/24"),
	})
	if err != nil {
		return err
	}
	web := httptest.NewServer(server)
	e.Defer(func() { web.CloseClientConnections(); web.Close(); server.Close() })
	bare := sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &web.URL, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
	subnets, err := bare.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{})
	if err != nil {
		return err
	}
	elastic, err := bare.AllocateAddress(ctx, &sdk.AllocateAddressInput{})
	if err != nil {
		return err
	}
	e.Setenv("AWS_ACCESS_KEY_ID", key)
	e.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	text := fmt.Sprintf(cloudConfig, web.URL, ec2.Region, aws.ToString(subnets.Subnets[0].SubnetId), aws.ToString(elastic.PublicIp))
	return os.WriteFile(filepath.Join(e.WorkDir, "ec2.yaml"), []byte(text), 0o600)
}

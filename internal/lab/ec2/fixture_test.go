package ec2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/aws/smithy-go"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

const (
	accessKey = "AKIATESTTESTTESTTEST"
	secret    = "a/secret+of=the/tests"
	image     = "ami-databases"
)

// site is an endpoint without machines, and the real SDK talking to it.
type site struct {
	*sdk.Client
	server *ec2.Server
	url    string
	file   string
}

// open starts an endpoint; with a file of an earlier one it goes on from there.
func open(t *testing.T, file string) site {
	t.Helper()
	server, err := ec2.New(t.Context(), ec2.Options{
		Credentials: ec2.Credentials{AccessKey: accessKey, Secret: secret},
		Prefix:      netip.MustParsePrefix("10.1.2.0/24"), Public: netip.MustParsePrefix("198.18.2.0/24"),
		Images: []ec2.Image{{Name: "databases"}, {Name: "debian12"}}, Seed: t.Name(), File: file, Log: t.Output(),
	})
	must(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(server.Close) // ends hung calls, which the web server waits for
	return site{client(web.URL, accessKey, secret), server, web.URL, file}
}

func fresh(t *testing.T) site { return open(t, filepath.Join(t.TempDir(), "ec2.json")) }

// client is the SDK without retries, so that every answer is seen.
func client(url, key, secret string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: ec2.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		HTTPClient:  &http.Client{Timeout: 30 * time.Second, Transport: whole{&http.Transport{}}},
	})
}

// whole sends requests whose body the SDK cannot close early. It does so when the answer
// begins, and where the transport has not yet seen the end of the body by then it drops
// the connection: rare, but this machine is near and busy.
type whole struct{ *http.Transport }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return w.Transport.RoundTrip(r)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// code is the error code of an answer; "" for success.
func code(err error) string {
	var refused smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.ErrorCode()
	}
	return "no answer"
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

// at is a request to launch one instance at an address; empty for any.
func at(ip, token string) *sdk.RunInstancesInput {
	in := &sdk.RunInstancesInput{ImageId: aws.String(image), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	if ip != "" {
		in.PrivateIpAddress = &ip
	}
	if token != "" {
		in.ClientToken = &token
	}
	return in
}

func (s site) launch(t *testing.T, ip string) types.Instance {
	t.Helper()
	out, err := s.RunInstances(t.Context(), at(ip, ""))
	must(t, err)
	return out.Instances[0]
}

// running launches and waits until the instance runs.
func (s site) running(t *testing.T, ip string) types.Instance {
	t.Helper()
	return s.wait(t, *s.launch(t, ip).InstanceId, types.InstanceStateNameRunning)
}

func (s site) get(ctx context.Context, id string) (types.Instance, error) {
	out, err := s.DescribeInstances(ctx, &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, err
	}
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		return types.Instance{}, fmt.Errorf("%d reservations", len(out.Reservations))
	}
	return out.Reservations[0].Instances[0], nil
}

// wait asks until the instance is in the state, 20 s at most.
func (s site) wait(t *testing.T, id string, want types.InstanceStateName) types.Instance {
	t.Helper()
	var last types.InstanceStateName
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		i, err := s.get(t.Context(), id)
		must(t, err)
		if last = i.State.Name; last == want {
			return i
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s stays %s, want %s", id, last, want)
	return types.Instance{}
}

// list is every instance, page by page.
func (s site) list(t *testing.T, in *sdk.DescribeInstancesInput) (all []types.Instance, pages int) {
	t.Helper()
	for p := sdk.NewDescribeInstancesPaginator(s, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		must(t, err)
		for _, r := range out.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all, pages
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func tags(pairs ...string) []types.Tag {
	var all []types.Tag
	for n := 0; n < len(pairs); n += 2 {
		all = append(all, types.Tag{Key: &pairs[n], Value: &pairs[n+1]})
	}
	return all
}

func ids(instances []types.Instance) []string {
	var all []string
	for _, i := range instances {
		all = append(all, *i.InstanceId)
	}
	return all
}

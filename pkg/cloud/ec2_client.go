package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

const (
	// tryTime bounds one try of a call, so that one that is never answered is
	// made again.
	tryTime = 15 * time.Second
	// callTime bounds a call with all its tries where the caller sets no bound.
	callTime = time.Minute
	// longestPause bounds the pause between two tries.
	longestPause = 2 * time.Second
)

// api returns the client, made by the SDK's own rules: environment, shared files,
// the machine's role.
func (e *EC2) api(ctx context.Context) (*calls, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return e.client, nil
	}
	var opts []func(*config.LoadOptions) error
	if region := e.o.region(); region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if e.o.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(e.o.Profile))
	}
	if e.o.AccessKey != "" && e.o.Secret != nil && e.o.Secret() != "" {
		opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(e.o.AccessKey, e.o.Secret(), "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the AWS settings: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("cannot use the EC2 API: no region; set region or zone of the cloud, or AWS_REGION")
	}
	e.client = callsOf(ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		if e.o.Endpoint != "" {
			o.BaseEndpoint = aws.String(e.o.Endpoint)
		}
		o.APIOptions = append(o.APIOptions, rememberTries)
		o.HTTPClient = counter{awshttp.NewBuildableClient().WithTimeout(tryTime), &e.calls}
		o.Retryer = retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
			a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) {
				s.MaxAttempts = 0 // the context ends it
				s.MaxBackoff = longestPause
			})
		})
	}))
	return e.client, nil
}

// counter counts what goes out, every try of a call.
type counter struct {
	next aws.HTTPClient
	n    *atomic.Int64
}

// Do makes one try.
func (c counter) Do(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.Do(r)
}

// bounded gives a call its time.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTime)
}

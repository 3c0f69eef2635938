package cloud

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Consoles is a provider that shows what machines print on their consoles.
type Consoles interface {
	// HostKeys returns the public SSH host keys that the machine has printed, each
	// as "type base64" and perhaps a comment.
	HostKeys(ctx context.Context, name string) ([]string, error)
}

var (
	_ Consoles = (*EC2)(nil)
	_ Consoles = (*Cache)(nil)
)

// HostKeys reads the keys that cloud-init prints at the end of the first boot. EC2
// shows them some minutes later; until then it is an error.
func (e *EC2) HostKeys(ctx context.Context, name string) ([]string, error) {
	i, err := e.Instance(ctx, name)
	if err != nil {
		return nil, err
	}
	if i.State == StateAbsent {
		return nil, notNow("read the console of", i)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	api, err := e.api(ctx)
	if err != nil {
		return nil, err
	}
	out, err := api.getConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(i.ID)})
	if err != nil {
		return nil, failure("read the console of instance "+name+" ("+i.ID+")", err)
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.Output))
	if err != nil {
		return nil, fmt.Errorf("cannot read the console of instance %s (%s): %w", name, i.ID, err)
	}
	keys := printedKeys(string(text))
	if len(keys) == 0 {
		return nil, fmt.Errorf("cannot read the host keys of instance %s (%s): %w", name, i.ID, errNoKeys)
	}
	return keys, nil
}

var errNoKeys = errors.New("they are not on its console, or not yet")

// printedKeys finds the host keys in a console's output: the last block that
// cloud-init has marked.
func printedKeys(text string) []string {
	const begin, end = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
	at := strings.LastIndex(text, begin)
	if at < 0 {
		return nil
	}
	block, _, whole := strings.Cut(text[at+len(begin):], end)
	if !whole {
		return nil
	}
	var keys []string
	for line := range strings.Lines(block) {
		if f := strings.Fields(line); len(f) > 1 {
			keys = append(keys, strings.Join(f, " "))
		}
	}
	return keys
}

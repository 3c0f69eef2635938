package provision

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// transfer runs both ends and waits for the receiving one, which has the last word.
func (c Clone) transfer(ctx context.Context, j job.Job, here hereSeen, there thereSeen) error {
	host, err := newPair()
	if err != nil {
		return err
	}
	login, err := newPair()
	if err != nil {
		return err
	}
	j.Limit = limitFor(there.size)
	dump := !there.alike(here)
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.send(own, c.sending(j, dump, host.public, login.private))
	}()
	err = c.receive(ctx, c.receiving(j, dump, host.private, login.public))
	if err == nil || errors.As(err, new(*job.Running)) {
		return err
	}
	cancel()
	return errors.Join(err, c.stopSending(ctx, j, sent))
}

// receive follows the receiving end, and sees whether the copy is there.
func (c Clone) receive(ctx context.Context, j job.Job) error {
	r, err := job.Run(ctx, c.Machine, j)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	here, err := c.lookHere(ctx, j.Unit)
	if err != nil {
		return err
	}
	// The next try shall begin anew where it did not hold; else the mark tells more.
	discarded := job.Discard(ctx, c.Machine, j)
	if here.cloned.unit == j.Unit {
		return nil
	}
	return errors.Join(errors.New("the copy was made, and is not there any more"), discarded)
}

// follow waits for what an earlier owner has started.
func (c Clone) follow(ctx context.Context, j job.Job) error {
	j.Command = "exit 1" // not run where another one runs
	return c.receive(ctx, j)
}

// send runs the sending end. Where it failed before anything came, the receiving one is
// told, which would else wait for it; whatever happens later that one sees itself.
func (c Clone) send(ctx context.Context, j job.Job) {
	r, err := job.Run(ctx, c.Donor.Machine, j)
	if err == nil {
		err = r.Err()
	}
	switch {
	case err == nil:
		_ = job.Discard(ctx, c.Donor.Machine, j) // what cannot be cleared now only takes room there
	case ctx.Err() == nil:
		_, _ = run(ctx, c.Machine, fmt.Sprintf(`cd %s/%s && [ "$(cat phase)" = waiting ] && cat >failed.new && mv failed.new failed`, cloneRun, quote(j.Unit)),
			strings.NewReader(lastWords(c.Donor.Name+": "+err.Error())))
	}
}

// stopSending ends the other end of a transfer that failed, if it has not ended by itself.
func (c Clone) stopSending(ctx context.Context, j job.Job, sent <-chan struct{}) error {
	select {
	case <-sent:
	case <-time.After(5 * time.Second):
	}
	_, err := run(ctx, c.Donor.Machine, "systemctl stop "+quote(j.Unit+".service")+" 2>/dev/null || true; systemctl reset-failed "+quote(j.Unit+".service")+" 2>/dev/null || true", nil)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", c.Donor.Name, err)
	}
	return nil
}

// pair is a new key for one transfer.
type pair struct{ private, public string }

func newPair() (pair, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return pair{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return pair{}, err
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return pair{}, err
	}
	return pair{string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line)))}, nil
}

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
		c.send(own, c.sending(j, dump, host.public, login.private), j.Unit)
	}()
	over, err := c.receive(ctx, c.receiving(j, dump, host.private, login.public))
	if over && err != nil {
		cancel()
		c.stopSending(ctx, senderOf(j.Unit), sent)
	}
	return err
}

// receive follows the receiving end, and sees whether the copy is there. It tells whether
// that end is over; where it is not, or may be another owner's, nobody may end the other.
func (c Clone) receive(ctx context.Context, j job.Job) (over bool, err error) {
	r, err := job.Run(ctx, c.Machine, j)
	if err != nil {
		return false, err
	}
	if err := r.Err(); err != nil {
		return true, err
	}
	here, err := c.lookHere(ctx, j.Unit)
	if err != nil {
		return true, err
	}
	// The next try shall begin anew where it did not hold; else the mark tells more.
	if err := job.Discard(ctx, c.Machine, j); err != nil && here.cloned.unit != j.Unit {
		return true, err
	}
	if here.cloned.unit != j.Unit {
		return true, errors.New("the copy was made, and is not there any more")
	}
	return true, nil
}

// follow waits for what an earlier owner has started.
func (c Clone) follow(ctx context.Context, j job.Job) error {
	j.Command = "exit 1" // not run where another one runs
	_, err := c.receive(ctx, j)
	return err
}

// send runs the sending end. Where it failed before anything came, the receiving one is
// told, which would else wait for it; whatever happens later that one sees itself.
func (c Clone) send(ctx context.Context, j job.Job, to string) {
	r, err := job.Run(ctx, c.Donor.Machine, j)
	if err == nil {
		err = r.Err()
	}
	switch {
	case err == nil:
		_ = job.Discard(ctx, c.Donor.Machine, j) // what cannot be cleared now only takes room there
	case ctx.Err() == nil:
		_, _ = run(ctx, c.Machine, fmt.Sprintf(`cd %s/%s && [ "$(cat phase)" = waiting ] && cat >failed.new && mv failed.new failed`, cloneRun, quote(to)),
			strings.NewReader(lastWords(c.Donor.Name+": "+err.Error())))
	}
}

// stopSending ends the other end of a transfer that failed, if it has not ended by itself;
// where the machine cannot be reached the channel's silence ends it.
func (c Clone) stopSending(ctx context.Context, unit string, sent <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, stopping)
	defer cancel()
	select {
	case <-sent:
	case <-time.After(stopping / 2):
	}
	unit = quote(unit + ".service")
	_, _ = run(ctx, c.Donor.Machine, "systemctl stop "+unit+"; systemctl reset-failed "+unit, nil)
}

// stopping is how long a caller waits for the end of what failed.
const stopping = 10 * time.Second

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

package cloud

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launchTries is how often a launch begins anew with another token, after one
// whose instance is gone: once is the rule, twice where somebody terminates at
// the same moment.
const launchTries = 3

// Launch makes the machine's instance, once: what is there already is found by
// its address, what another process has begun by the journal, and what was made
// without anybody hearing of it by its client token.
func (e *EC2) Launch(ctx context.Context, name string) (Instance, error) {
	m, err := e.machine("launch", name)
	if err != nil {
		return Instance{}, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	var last Instance
	for range launchTries {
		i, again, err := e.launchOnce(ctx, m)
		if err != nil || !again {
			return i, err
		}
		last = i
	}
	return Instance{}, fmt.Errorf("cannot launch instance %s: each one that was launched was terminated at once%s", name, last.because())
}

// launchOnce launches unless something is there; again says that what the journal
// told of is gone, and closed.
func (e *EC2) launchOnce(ctx context.Context, m Machine) (i Instance, again bool, err error) {
	there, err := e.at(ctx, m)
	if err != nil {
		return i, false, err
	}
	// Read after the look: whatever the look shows that we launched is in it.
	rec, err := e.journal(m).read(ctx)
	if err != nil {
		return i, false, err
	}
	if len(there) > 0 {
		i, err = e.taken(ctx, m, there[0], rec)
		return i, false, err
	}
	if rec.State != launchAsked && rec.State != launchDone {
		request, err := e.request(ctx, m)
		if err != nil {
			return i, false, err
		}
		if rec, err = e.journal(m).ask(ctx, "clmgr-"+rand.Text(), request, time.Now()); err != nil {
			return i, false, err
		}
	}
	if rec.State == launchDone {
		i, err = e.launched(ctx, m, rec)
	} else {
		i, err = e.run(ctx, m, rec)
	}
	if err != nil || !i.ending() {
		return i, false, err
	}
	return i, true, e.journal(m).end(ctx, rec.Token, time.Now())
}

// run makes the call of a record and notes its instance.
func (e *EC2) run(ctx context.Context, m Machine, rec launchRecord) (Instance, error) {
	api, err := e.api(ctx)
	if err != nil {
		return Instance{}, err
	}
	out, err := api.runInstances(ctx, rec.Request.input(rec.Token))
	if err != nil {
		return Instance{}, e.notRun(ctx, m, rec, err)
	}
	if len(out.Instances) != 1 {
		return Instance{}, fmt.Errorf("cannot launch instance %s: EC2 answered with %d instances", m.Name, len(out.Instances))
	}
	made := instanceOf(out.Instances[0], m, time.Now())
	if err := e.journal(m).done(ctx, rec.Token, made.ID, made.Seen); err != nil {
		return made, err
	}
	// The answer to a repeated call may be that of the first one.
	return e.launched(ctx, m, launchRecord{Instance: made.ID, At: made.Seen})
}

// notRun words why a call launched nothing. Where the API has judged the request
// itself, the token stands for nothing and never will: the launch is closed, so
// that the next one asks for what the configuration says then.
func (e *EC2) notRun(ctx context.Context, m Machine, rec launchRecord, err error) error {
	word := code(err)
	if refusesRequest(word) {
		if err := e.journal(m).end(ctx, rec.Token, time.Now()); err != nil {
			return err
		}
	}
	if word == "InvalidIPAddress.InUse" {
		return &Refused{
			Driver: EC2Name, Verb: "launch", Name: m.Name, Gate: GateInUse,
			Reason: "EC2 says that " + m.IP.String() + " is in use",
		}
	}
	return failure("launch instance "+m.Name, err)
}

// refusesRequest tells codes that are about what was asked for from those about
// who asks, how often, and how EC2 is today. A used token is looked at before the
// request: with it these codes do not come.
func refusesRequest(code string) bool {
	switch {
	case code == "InvalidClientTokenId", throttled(code):
		return false
	case strings.HasSuffix(code, "LimitExceeded"):
		return true
	}
	for _, prefix := range []string{"Invalid", "Missing", "Unsupported", "Insufficient"} {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

// taken judges what has the machine's address already: ours, and there is nothing
// to do, or somebody else's.
func (e *EC2) taken(ctx context.Context, m Machine, there types.Instance, rec launchRecord) (Instance, error) {
	i := instanceOf(there, m, time.Now())
	if !e.ours(there, m, rec) {
		return Instance{}, &Refused{
			Driver: EC2Name, Verb: "launch", Name: m.Name, Gate: GateInUse,
			Reason: fmt.Sprintf("%s belongs to %s", m.IP, described(there)),
		}
	}
	if i.ending() {
		return Instance{}, &NotNow{"launch", i, "wait until it is gone"}
	}
	if rec.State == launchAsked && rec.Token == aws.ToString(there.ClientToken) {
		return i, e.journal(m).done(ctx, rec.Token, i.ID, i.Seen)
	}
	return i, nil
}

// ours tells whether an instance at the machine's address is the machine. Tags
// settle later than instances, so the journal has a word too; a machine that was
// launched by hand is known by its Name.
func (e *EC2) ours(i types.Instance, m Machine, rec launchRecord) bool {
	cluster := tag(i, tagCluster)
	switch {
	case cluster != "":
		return cluster == e.o.Cluster
	case rec.Instance != "" && rec.Instance == aws.ToString(i.InstanceId):
		return true
	case rec.Token != "" && rec.Token == aws.ToString(i.ClientToken):
		return true
	}
	return tag(i, tagName) == m.Name
}

package cloud

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Instance asks for one machine, now. One that was launched a moment ago and that
// the API does not list yet is pending; of one that is absent since EC2 has ended the
// instance by itself, Reason tells why.
func (e *EC2) Instance(ctx context.Context, name string) (Instance, error) {
	m, err := e.machine("look at", name)
	if err != nil {
		return Instance{}, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	at, err := e.at(ctx, m)
	if err != nil {
		return Instance{}, err
	}
	for _, i := range at {
		if e.owns(i) {
			return instanceOf(i, m, time.Now()), nil
		}
	}
	rec, err := e.journal(m).read(ctx)
	if err != nil {
		return Instance{}, err
	}
	if rec.State != launchDone {
		return absent(m, time.Now()), nil
	}
	i, err := e.launched(ctx, m, rec)
	if err != nil || i.State != StateTerminated {
		return i, err
	}
	gone := absent(m, time.Now())
	if i.Reason != "" {
		gone.Reason = fmt.Sprintf("its instance %s was terminated: %s", i.ID, i.Reason)
	}
	return gone, nil
}

// at lists what has the machine's address in our place, whoever's it is, but for
// what is terminated.
func (e *EC2) at(ctx context.Context, m Machine) ([]types.Instance, error) {
	out, err := e.describe(ctx, &ec2.DescribeInstancesInput{Filters: append(e.place(),
		types.Filter{Name: aws.String("private-ip-address"), Values: []string{m.IP.String()}})})
	if err != nil {
		return nil, failure("look for an instance at "+m.IP.String(), err)
	}
	var there []types.Instance
	for _, i := range out {
		if e.here(i) && stateOf(i) != StateTerminated {
			there = append(there, i)
		}
	}
	return there, nil
}

// launched asks for the instance that a finished launch made. One that the API
// does not know is pending while it settles, terminated after that.
func (e *EC2) launched(ctx context.Context, m Machine, rec launchRecord) (Instance, error) {
	out, err := e.describe(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{rec.Instance}})
	if err != nil && code(err) != "InvalidInstanceID.NotFound" {
		return Instance{}, failure("look at instance "+rec.Instance, err)
	}
	if len(out) > 0 {
		return instanceOf(out[0], m, time.Now()), nil
	}
	i := Instance{ID: rec.Instance, Name: m.Name, IP: m.IP, State: StateTerminated, Seen: time.Now()}
	if since := time.Since(rec.At); since < Settling {
		i.State, i.Reason = StatePending, "launched "+since.Truncate(time.Second).String()+" ago, not listed yet"
	}
	return i, nil
}

// describe lists instances, all pages.
func (e *EC2) describe(ctx context.Context, in *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	api, err := e.api(ctx)
	if err != nil {
		return nil, err
	}
	var out []types.Instance
	err = api.pages(ctx, in, func(i types.Instance) { out = append(out, i) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// described names an instance that is not ours.
func described(i types.Instance) string {
	text := aws.ToString(i.InstanceId)
	if name := tag(i, tagName); name != "" {
		text += fmt.Sprintf(" (%s)", name)
	}
	if cluster := tag(i, tagCluster); cluster != "" {
		text += " of the cluster " + cluster
	}
	return text
}

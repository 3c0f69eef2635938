package cloud

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The tags that a launched instance has beside Name.
const (
	tagName        = "Name"
	tagCluster     = "clmgr:cluster"
	tagMachineName = "clmgr:name"
)

// mostValues is how many values the filters of one call may have.
const mostValues = 200

// Instances lists the machines, one call for every 200 where no page is full. A
// call that fails ends it: what was not listed by then is stale.
func (e *EC2) Instances(ctx context.Context) (Listing, error) {
	listing := Listing{At: time.Now(), Complete: true}
	found := map[netip.Addr]types.Instance{}
	listed := 0 // of the machines
	size := mostValues
	if len(e.o.Machines) > size {
		size -= len(e.place())
	}
	var failed error
	for batch := range slices.Chunk(e.o.Machines, size) {
		if failed = e.listInto(ctx, batch, found); failed != nil {
			listing.Complete = false
			break
		}
		listed += len(batch)
	}
	for n, m := range e.o.Machines {
		i, ok := found[m.IP]
		switch {
		case ok:
			listing.Instances = append(listing.Instances, instanceOf(i, m, listing.At))
		case n < listed:
			listing.Instances = append(listing.Instances, absent(m, listing.At))
		default:
			listing.Instances = append(listing.Instances, Instance{
				ID: m.Name, Name: m.Name, IP: m.IP, Stale: true, Reason: failed.Error(),
			})
		}
	}
	return listing, failed
}

// listInto lists the instances at the machines' addresses, with what was found
// before an error.
func (e *EC2) listInto(ctx context.Context, machines []Machine, found map[netip.Addr]types.Instance) error {
	api, err := e.api(ctx)
	if err != nil {
		return err
	}
	ips := make([]string, 0, len(machines))
	for _, m := range machines {
		ips = append(ips, m.IP.String())
	}
	filters := []types.Filter{{Name: aws.String("private-ip-address"), Values: ips}}
	if place := e.place(); len(ips)+len(place) <= mostValues {
		filters = append(filters, place...)
	}
	in := &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(1000)}
	return failure("list instances", api.pages(ctx, in, func(i types.Instance) {
		ip, _ := netip.ParseAddr(aws.ToString(i.PrivateIpAddress))
		if _, twice := found[ip]; ip.IsValid() && !twice && e.owns(i) {
			found[ip] = i
		}
	}))
}

// place are the filters that say where our instances are.
func (e *EC2) place() []types.Filter {
	var out []types.Filter
	if e.o.VPC != "" {
		out = append(out, types.Filter{Name: aws.String("vpc-id"), Values: []string{e.o.VPC}})
	}
	if e.o.Subnet != "" {
		out = append(out, types.Filter{Name: aws.String("subnet-id"), Values: []string{e.o.Subnet}})
	}
	return out
}

// here tells whether an instance is in our VPC and subnet.
func (e *EC2) here(i types.Instance) bool {
	return (e.o.VPC == "" || e.o.VPC == aws.ToString(i.VpcId)) && (e.o.Subnet == "" || e.o.Subnet == aws.ToString(i.SubnetId))
}

// owns tells whether an instance at one of our addresses is the cluster's.
func (e *EC2) owns(i types.Instance) bool {
	cluster := tag(i, tagCluster)
	return e.here(i) && (cluster == "" || cluster == e.o.Cluster) && stateOf(i) != StateTerminated
}

func tag(i types.Instance, key string) string {
	for _, t := range i.Tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

func stateOf(i types.Instance) string {
	if i.State == nil {
		return StatePending
	}
	return string(i.State.Name)
}

func instanceOf(i types.Instance, m Machine, seen time.Time) Instance {
	return Instance{ID: aws.ToString(i.InstanceId), Name: m.Name, IP: m.IP, State: stateOf(i), Seen: seen, Reason: unasked(i)}
}

// unasked is why an instance is in its state, where nobody has asked for that: EC2 could not
// start it, or has taken it away.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
func unasked(i types.Instance) string {
	if i.StateReason == nil || stateOf(i) == StatePending || stateOf(i) == StateRunning {
		return ""
	}
	why := aws.ToString(i.StateReason.Code)
	switch why {
	case "", "Client.UserInitiatedShutdown", "Client.InstanceInitiatedShutdown", "Client.UserInitiatedHibernate":
		return ""
	}
	return strings.Join(strings.Fields(cmp.Or(aws.ToString(i.StateReason.Message), why)), " ")
}

// absent is a machine that is not launched.
func absent(m Machine, seen time.Time) Instance {
	return Instance{ID: m.Name, Name: m.Name, IP: m.IP, State: StateAbsent, Seen: seen}
}

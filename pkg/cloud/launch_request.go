package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launchRequest is all that a launch asks for. It is stored, and the same value
// must make the same call for ever: a client token is good for that call only.
type launchRequest struct {
	Image   string `json:"image"`
	Type    string `json:"type,omitempty"`
	Key     string `json:"key,omitempty"`
	Subnet  string `json:"subnet"`
	Zone    string `json:"zone,omitempty"`
	Groups  string `json:"groups,omitempty"` // ids with commas
	IP      string `json:"ip"`
	Cluster string `json:"cluster"`
	Name    string `json:"name"`
}

// input is the call of that request and token.
func (r launchRequest) input(token string) *ec2.RunInstancesInput {
	in := &ec2.RunInstancesInput{
		ClientToken: aws.String(token), ImageId: aws.String(r.Image),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: aws.String(r.Subnet), PrivateIpAddress: aws.String(r.IP),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance,
			Tags: []types.Tag{
				{Key: aws.String(tagName), Value: aws.String(r.Name)},
				{Key: aws.String(tagCluster), Value: aws.String(r.Cluster)},
				{Key: aws.String(tagMachineName), Value: aws.String(r.Name)},
			},
		}},
	}
	if r.Type != "" {
		in.InstanceType = types.InstanceType(r.Type)
	}
	if r.Key != "" {
		in.KeyName = aws.String(r.Key)
	}
	if r.Zone != "" {
		in.Placement = &types.Placement{AvailabilityZone: aws.String(r.Zone)}
	}
	if r.Groups != "" {
		in.SecurityGroupIds = strings.Split(r.Groups, ",")
	}
	return in
}

// request makes the request for a machine from the configuration.
func (e *EC2) request(ctx context.Context, m Machine) (launchRequest, error) {
	r := launchRequest{
		Image: e.o.Image, Type: e.o.InstanceType, Key: e.o.KeyPair, Subnet: e.o.Subnet, Zone: e.o.Zone,
		IP: m.IP.String(), Cluster: e.o.Cluster, Name: m.Name,
	}
	for what, missing := range map[string]bool{"template, the image": r.Image == "", "subnet": r.Subnet == ""} {
		if missing {
			return r, &Refused{
				Driver: EC2Name, Verb: "launch", Name: m.Name, Gate: GateIncomplete,
				Reason: "the configuration names no " + what + ", under cloud of the cluster " + e.o.Cluster,
			}
		}
	}
	ids, err := e.groupIDs(ctx)
	r.Groups = strings.Join(ids, ",")
	return r, err
}

// groupIDs are the ids of the security groups, which the configuration may name.
func (e *EC2) groupIDs(ctx context.Context) ([]string, error) {
	ids, names := []string(nil), []string(nil)
	for _, g := range e.o.SecurityGroups {
		if strings.HasPrefix(g, "sg-") {
			ids = append(ids, g)
		} else {
			names = append(names, g)
		}
	}
	if len(names) == 0 {
		return ids, nil
	}
	api, err := e.api(ctx)
	if err != nil {
		return nil, err
	}
	filters := []types.Filter{{Name: aws.String("group-name"), Values: names}}
	if e.o.VPC != "" {
		filters = append(filters, types.Filter{Name: aws.String("vpc-id"), Values: []string{e.o.VPC}})
	}
	out, err := api.describeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: filters})
	if err != nil {
		return nil, failure("look up security groups", err)
	}
	byName := map[string]string{}
	for _, g := range out.SecurityGroups {
		name := aws.ToString(g.GroupName)
		if byName[name] != "" {
			return nil, fmt.Errorf("cannot use security group %s: there are several of that name; set vpc, or give its id", name)
		}
		byName[name] = aws.ToString(g.GroupId)
	}
	for _, n := range names {
		if byName[n] == "" {
			return nil, errors.New("cannot use security group " + n + ": there is none of that name")
		}
		ids = append(ids, byName[n])
	}
	return ids, nil
}

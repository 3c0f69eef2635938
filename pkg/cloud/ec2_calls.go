package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// call is one call of the SDK's client.
type call[In, Out any] func(context.Context, *In, ...func(*ec2.Options)) (*Out, error)

// calls are those of the client that are used, one by one: the client itself has
// seven hundred methods, and where its type may reach reflection (in an interface, or
// in the field of what is in one) the linker must keep them all, 30 MB of them.
type calls struct {
	describeInstances        call[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	runInstances             call[ec2.RunInstancesInput, ec2.RunInstancesOutput]
	startInstances           call[ec2.StartInstancesInput, ec2.StartInstancesOutput]
	stopInstances            call[ec2.StopInstancesInput, ec2.StopInstancesOutput]
	terminateInstances       call[ec2.TerminateInstancesInput, ec2.TerminateInstancesOutput]
	getConsoleOutput         call[ec2.GetConsoleOutputInput, ec2.GetConsoleOutputOutput]
	describeSecurityGroups   call[ec2.DescribeSecurityGroupsInput, ec2.DescribeSecurityGroupsOutput]
	describeAddresses        call[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput]
	associateAddress         call[ec2.AssociateAddressInput, ec2.AssociateAddressOutput]
	disassociateAddress      call[ec2.DisassociateAddressInput, ec2.DisassociateAddressOutput]
	describeInterfaces       call[ec2.DescribeNetworkInterfacesInput, ec2.DescribeNetworkInterfacesOutput]
	attachInterface          call[ec2.AttachNetworkInterfaceInput, ec2.AttachNetworkInterfaceOutput]
	detachInterface          call[ec2.DetachNetworkInterfaceInput, ec2.DetachNetworkInterfaceOutput]
	assignPrivateAddresses   call[ec2.AssignPrivateIpAddressesInput, ec2.AssignPrivateIpAddressesOutput]
	unassignPrivateAddresses call[ec2.UnassignPrivateIpAddressesInput, ec2.UnassignPrivateIpAddressesOutput]
}

func callsOf(c *ec2.Client) *calls {
	return &calls{
		describeInstances:        c.DescribeInstances,
		runInstances:             c.RunInstances,
		startInstances:           c.StartInstances,
		stopInstances:            c.StopInstances,
		terminateInstances:       c.TerminateInstances,
		getConsoleOutput:         c.GetConsoleOutput,
		describeSecurityGroups:   c.DescribeSecurityGroups,
		describeAddresses:        c.DescribeAddresses,
		associateAddress:         c.AssociateAddress,
		disassociateAddress:      c.DisassociateAddress,
		describeInterfaces:       c.DescribeNetworkInterfaces,
		attachInterface:          c.AttachNetworkInterface,
		detachInterface:          c.DetachNetworkInterface,
		assignPrivateAddresses:   c.AssignPrivateIpAddresses,
		unassignPrivateAddresses: c.UnassignPrivateIpAddresses,
	}
}

// pages lists instances page by page; f gets those of the pages before an error.
func (c *calls) pages(ctx context.Context, in *ec2.DescribeInstancesInput, f func(types.Instance)) error {
	for {
		page, err := c.describeInstances(ctx, in)
		if err != nil {
			return err
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				f(i)
			}
		}
		if aws.ToString(page.NextToken) == "" {
			return nil
		}
		in.NextToken = page.NextToken
	}
}

package ec2_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestElasticAddress moves a public address between instances.
func TestElasticAddress(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	one, two := s.running(t, ""), s.running(t, "")
	a, err := s.AllocateAddress(ctx, &sdk.AllocateAddressInput{
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeElasticIp, Tags: tags("Name", "front")}},
	})
	must(t, err)
	associate := func(id *string, again *bool) (string, error) {
		out, err := s.AssociateAddress(ctx, &sdk.AssociateAddressInput{AllocationId: a.AllocationId, InstanceId: id, AllowReassociation: again})
		if err != nil {
			return "", err
		}
		return *out.AssociationId, nil
	}
	first, err := associate(one.InstanceId, nil)
	must(t, err)
	if same, err := associate(one.InstanceId, nil); err != nil || same != first {
		t.Errorf("associating twice: %s, %v, want %s", same, err, first)
	}
	if i, _ := s.get(ctx, *one.InstanceId); aws.ToString(i.PublicIpAddress) != *a.PublicIp {
		t.Errorf("the instance shows %v, want %s", i.PublicIpAddress, *a.PublicIp)
	}
	_, err = s.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: a.AllocationId})
	wantCode(t, err, "InvalidIPAddress.InUse")
	_, err = associate(two.InstanceId, aws.Bool(false))
	wantCode(t, err, "Resource.AlreadyAssociated")
	second, err := associate(two.InstanceId, aws.Bool(true))
	must(t, err)
	_, err = s.DisassociateAddress(ctx, &sdk.DisassociateAddressInput{AssociationId: &first})
	wantCode(t, err, "InvalidAssociationID.NotFound")
	got, err := s.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{Filters: []types.Filter{filter("instance-id", *two.InstanceId), filter("tag:Name", "front")}})
	must(t, err)
	if len(got.Addresses) != 1 || *got.Addresses[0].AssociationId != second || *got.Addresses[0].PrivateIpAddress != *two.PrivateIpAddress {
		t.Errorf("addresses: %+v", got.Addresses)
	}
	_, err = s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{*two.InstanceId}})
	must(t, err)
	s.wait(t, *two.InstanceId, "terminated")
	got, err = s.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{PublicIps: []string{*a.PublicIp}})
	must(t, err)
	if got.Addresses[0].AssociationId != nil {
		t.Error("a terminated instance keeps its public address")
	}
	_, err = s.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: a.AllocationId})
	must(t, err)
	_, err = s.DescribeAddresses(ctx, &sdk.DescribeAddressesInput{AllocationIds: []string{*a.AllocationId}})
	wantCode(t, err, "InvalidAllocationID.NotFound")
}

// TestSecondaryAddress moves a private address between instances, as a VIP is.
func TestSecondaryAddress(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	one, two := s.running(t, "10.1.2.20"), s.running(t, "10.1.2.21")
	nic := func(i types.Instance) *string { return i.NetworkInterfaces[0].NetworkInterfaceId }
	assign := func(i types.Instance, again bool, ips ...string) error {
		_, err := s.AssignPrivateIpAddresses(ctx, &sdk.AssignPrivateIpAddressesInput{
			NetworkInterfaceId: nic(i), PrivateIpAddresses: ips, AllowReassignment: &again,
		})
		return err
	}
	has := func(i types.Instance) []string {
		got, err := s.get(ctx, *i.InstanceId)
		must(t, err)
		var all []string
		for _, a := range got.NetworkInterfaces[0].PrivateIpAddresses {
			all = append(all, *a.PrivateIpAddress)
		}
		return all
	}
	must(t, assign(one, false, "10.1.2.100"))
	must(t, assign(one, false, "10.1.2.100"))
	wantCode(t, assign(two, false, "10.1.2.100"), "InvalidParameterValue")
	wantCode(t, assign(two, true, "10.1.2.20"), "InvalidParameterValue")
	wantCode(t, assign(two, true, "10.1.3.1"), "InvalidParameterValue")
	must(t, assign(two, true, "10.1.2.100"))
	if a, b := has(one), has(two); !slices.Equal(a, []string{"10.1.2.20"}) || !slices.Equal(b, []string{"10.1.2.21", "10.1.2.100"}) {
		t.Errorf("after the move: %v, %v", a, b)
	}
	_, err := s.RunInstances(ctx, at("10.1.2.100", ""))
	wantCode(t, err, "InvalidIPAddress.InUse")
	unassign := func(i types.Instance, ip string) error {
		_, err := s.UnassignPrivateIpAddresses(ctx, &sdk.UnassignPrivateIpAddressesInput{
			NetworkInterfaceId: nic(i), PrivateIpAddresses: []string{ip},
		})
		return err
	}
	wantCode(t, unassign(one, "10.1.2.100"), "InvalidParameterValue")
	wantCode(t, unassign(one, "10.1.2.20"), "InvalidParameterValue")
	must(t, unassign(two, "10.1.2.100"))
	s.launch(t, "10.1.2.100")
}

// TestInterface attaches a card to one instance and then to another.
func TestInterface(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	one, two := s.running(t, ""), s.running(t, "")
	made, err := s.CreateNetworkInterface(ctx, &sdk.CreateNetworkInterfaceInput{
		SubnetId: one.SubnetId, PrivateIpAddress: aws.String("10.1.2.90"), Description: aws.String("vip"),
	})
	must(t, err)
	nic := made.NetworkInterface.NetworkInterfaceId
	attach := func(i types.Instance, device int32) (*string, error) {
		out, err := s.AttachNetworkInterface(ctx, &sdk.AttachNetworkInterfaceInput{
			InstanceId: i.InstanceId, NetworkInterfaceId: nic, DeviceIndex: &device,
		})
		if err != nil {
			return nil, err
		}
		return out.AttachmentId, nil
	}
	_, err = attach(one, 0)
	wantCode(t, err, "InvalidParameterValue")
	attachment, err := attach(one, 1)
	must(t, err)
	_, err = attach(two, 1)
	wantCode(t, err, "InvalidNetworkInterface.InUse")
	_, err = s.DeleteNetworkInterface(ctx, &sdk.DeleteNetworkInterfaceInput{NetworkInterfaceId: nic})
	wantCode(t, err, "InvalidParameterValue")
	if i, _ := s.get(ctx, *one.InstanceId); len(i.NetworkInterfaces) != 2 || *i.NetworkInterfaces[1].PrivateIpAddress != "10.1.2.90" {
		t.Errorf("interfaces: %+v", i.NetworkInterfaces)
	}
	_, err = s.DetachNetworkInterface(ctx, &sdk.DetachNetworkInterfaceInput{AttachmentId: one.NetworkInterfaces[0].Attachment.AttachmentId})
	wantCode(t, err, "OperationNotPermitted")
	_, err = s.DetachNetworkInterface(ctx, &sdk.DetachNetworkInterfaceInput{AttachmentId: attachment})
	must(t, err)
	_, err = s.DetachNetworkInterface(ctx, &sdk.DetachNetworkInterfaceInput{AttachmentId: attachment})
	wantCode(t, err, "InvalidAttachmentID.NotFound")
	_, err = attach(two, 1)
	must(t, err)
	_, err = s.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{*two.InstanceId}})
	must(t, err)
	s.wait(t, *two.InstanceId, "terminated")
	got, err := s.DescribeNetworkInterfaces(ctx, &sdk.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("status", "available"), filter("description", "v?p")}})
	must(t, err)
	if len(got.NetworkInterfaces) != 1 || *got.NetworkInterfaces[0].NetworkInterfaceId != *nic || got.NetworkInterfaces[0].Attachment != nil {
		t.Errorf("the card of a terminated instance: %+v", got.NetworkInterfaces)
	}
	_, err = s.DeleteNetworkInterface(ctx, &sdk.DeleteNetworkInterfaceInput{NetworkInterfaceId: nic})
	must(t, err)
}

// TestLaunchInterface launches with the network given as an interface.
func TestLaunchInterface(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	in := at("", "")
	in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
		DeviceIndex: aws.Int32(0), Groups: []string{"sg-0123456789abcdef0"},
		PrivateIpAddresses: []types.PrivateIpAddressSpecification{
			{Primary: aws.Bool(true), PrivateIpAddress: aws.String("10.1.2.40")}, {PrivateIpAddress: aws.String("10.1.2.41")},
		},
	}}
	out, err := s.RunInstances(ctx, in)
	must(t, err)
	i := out.Instances[0]
	if *i.PrivateIpAddress != "10.1.2.40" || len(i.NetworkInterfaces[0].PrivateIpAddresses) != 2 || *i.SecurityGroups[0].GroupId != "sg-0123456789abcdef0" {
		t.Errorf("launched %+v", i)
	}
	in.PrivateIpAddress, in.ClientToken = aws.String("10.1.2.42"), nil // which the SDK filled in
	_, err = s.RunInstances(ctx, in)
	wantCode(t, err, "InvalidParameterCombination")
}

// TestFreeAddresses hands out every address of the subnet once, and then says so.
func TestFreeAddresses(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	in := at("", "")
	in.MinCount, in.MaxCount = aws.Int32(100), aws.Int32(200)
	first, err := s.RunInstances(ctx, in)
	must(t, err)
	in.ClientToken = nil // which the SDK filled in
	_, err = s.RunInstances(ctx, in)
	wantCode(t, err, "InsufficientFreeAddressesInSubnet")
	in.MinCount, in.ClientToken = aws.Int32(1), nil
	second, err := s.RunInstances(ctx, in)
	must(t, err)
	seen := map[string]bool{}
	for _, i := range append(first.Instances, second.Instances...) {
		seen[*i.PrivateIpAddress] = true
	}
	if len(first.Instances) != 200 || len(second.Instances) != 51 || len(seen) != 251 {
		t.Errorf("%d and %d instances at %d addresses", len(first.Instances), len(second.Instances), len(seen))
	}
}

// TestPlace: what the aws command asks before it asks for more.
func TestPlace(t *testing.T) {
	s, ctx := fresh(t), t.Context()
	images, err := s.DescribeImages(ctx, &sdk.DescribeImagesInput{Filters: []types.Filter{filter("name", "data*")}})
	must(t, err)
	subnets, err := s.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{})
	must(t, err)
	vpcs, err := s.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{VpcIds: []string{*subnets.Subnets[0].VpcId}})
	must(t, err)
	groups, err := s.DescribeSecurityGroups(ctx, &sdk.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
	must(t, err)
	regions, err := s.DescribeRegions(ctx, &sdk.DescribeRegionsInput{})
	must(t, err)
	zones, err := s.DescribeAvailabilityZones(ctx, &sdk.DescribeAvailabilityZonesInput{})
	must(t, err)
	if len(images.Images) != 1 || *images.Images[0].ImageId != image || *subnets.Subnets[0].CidrBlock != "10.1.2.0/24" ||
		len(vpcs.Vpcs) != 1 || len(groups.SecurityGroups) != 1 || len(regions.Regions) != 1 || len(zones.AvailabilityZones) != 1 {
		t.Errorf("%+v %+v %+v %+v %+v %+v", images, subnets, vpcs, groups, regions, zones)
	}
}

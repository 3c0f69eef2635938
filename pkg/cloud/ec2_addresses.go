package cloud

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Associate gives the address to the machine, whoever has it: a private address
// as private_address.go says, any other as an elastic one.
func (e *EC2) Associate(ctx context.Context, name string, ip netip.Addr) (Address, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	i, api, err := e.holder(ctx, "associate "+ip.String()+" with", name)
	if err != nil {
		return Address{}, err
	}
	if ip.IsPrivate() {
		return e.takePrivate(ctx, api, i, ip)
	}
	was, _, err := e.elastic(ctx, api, ip)
	if err != nil || was.Holder == i.ID {
		return was, err
	}
	_, err = api.AssociateAddress(ctx, &ec2.AssociateAddressInput{
		AllocationId: aws.String(was.ID), InstanceId: aws.String(i.ID), AllowReassociation: aws.Bool(true),
	})
	if err != nil {
		return Address{}, failure(fmt.Sprintf("associate %s with instance %s (%s)", ip, name, i.ID), err)
	}
	was.Holder, was.Name = i.ID, name
	return was, nil
}

// Disassociate takes the address from the machine, if the machine has it.
func (e *EC2) Disassociate(ctx context.Context, name string, ip netip.Addr) (Address, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	i, api, err := e.holder(ctx, "disassociate "+ip.String()+" from", name)
	if err != nil {
		return Address{}, err
	}
	if ip.IsPrivate() {
		return e.dropPrivate(ctx, api, i, ip)
	}
	was, association, err := e.elastic(ctx, api, ip)
	if err != nil || was.Holder != i.ID {
		return was, err
	}
	_, err = api.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: aws.String(association)})
	if err != nil && code(err) != "InvalidAssociationID.NotFound" { // it is gone already
		return Address{}, failure(fmt.Sprintf("disassociate %s from instance %s (%s)", ip, name, i.ID), err)
	}
	was.Holder, was.Name = "", ""
	return was, nil
}

// Address tells who has an elastic or a private address.
func (e *EC2) Address(ctx context.Context, ip netip.Addr) (Address, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	api, err := e.api(ctx)
	if err != nil {
		return Address{}, err
	}
	if ip.IsPrivate() {
		nic, err := e.interfaceWith(ctx, api, ip)
		if err != nil {
			return Address{}, err
		}
		return e.privateAddress(ctx, ip, nic)
	}
	a, _, err := e.elastic(ctx, api, ip)
	return a, err
}

// holder returns the machine's instance, which must be there, and the client.
func (e *EC2) holder(ctx context.Context, verb, name string) (Instance, *ec2.Client, error) {
	i, err := e.Instance(ctx, name)
	if err != nil {
		return i, nil, err
	}
	if i.State == StateAbsent || i.ending() {
		return i, nil, notNow(verb, i)
	}
	api, err := e.api(ctx)
	return i, api, err
}

// elastic looks up an elastic address, and its association where it has one.
func (e *EC2) elastic(ctx context.Context, api *ec2.Client, ip netip.Addr) (Address, string, error) {
	out, err := api.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{
		Filters: []types.Filter{{Name: aws.String("public-ip"), Values: []string{ip.String()}}},
	})
	if err != nil {
		return Address{}, "", failure("look up the elastic address "+ip.String(), err)
	}
	if len(out.Addresses) == 0 {
		return Address{}, "", fmt.Errorf("cannot find the elastic address %s: the account has none such", ip)
	}
	a := out.Addresses[0]
	found := Address{IP: ip, Kind: KindElastic, ID: aws.ToString(a.AllocationId), Holder: aws.ToString(a.InstanceId)}
	private, _ := netip.ParseAddr(aws.ToString(a.PrivateIpAddress))
	if found.Holder != "" {
		if found.Name, err = e.nameOf(ctx, found.Holder, private); err != nil {
			return found, "", err
		}
	}
	return found, aws.ToString(a.AssociationId), nil
}

// nameOf returns the configured name of an instance, empty for one that is not
// ours. Mostly the private address tells; a secondary one does not.
func (e *EC2) nameOf(ctx context.Context, id string, private netip.Addr) (string, error) {
	if name := e.nameAt(private); name != "" {
		return name, nil
	}
	out, err := e.describe(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return "", failure("look at instance "+id, err)
	}
	for _, i := range out {
		ip, _ := netip.ParseAddr(aws.ToString(i.PrivateIpAddress))
		if e.owns(i) {
			return e.nameAt(ip), nil
		}
	}
	return "", nil
}

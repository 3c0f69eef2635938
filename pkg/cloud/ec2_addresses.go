package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Associate gives the address to the machine, whoever has it.
func (e *EC2) Associate(ctx context.Context, name string, ip netip.Addr) (Address, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	i, api, err := e.holder(ctx, "associate "+ip.String()+" with", name)
	if err != nil {
		return Address{}, err
	}
	was, _, err := e.elastic(ctx, api, ip)
	switch {
	case errors.Is(err, errNotElastic):
		return e.takePrivate(ctx, api, i, ip)
	case err != nil || was.Holder == i.ID:
		return was, err
	}
	_, err = api.associateAddress(ctx, &ec2.AssociateAddressInput{
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
	was, association, err := e.elastic(ctx, api, ip)
	switch {
	case errors.Is(err, errNotElastic):
		return e.dropPrivate(ctx, api, i, ip)
	case err != nil || was.Holder != i.ID:
		return was, err
	}
	_, err = api.disassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: aws.String(association)})
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
	a, _, err := e.elastic(ctx, api, ip)
	if !errors.Is(err, errNotElastic) {
		return a, err
	}
	nic, err := e.interfaceWith(ctx, api, ip)
	if err != nil {
		return Address{}, err
	}
	return e.privateAddress(ctx, ip, nic)
}

// holder returns the machine's instance, which must be there, and the client.
func (e *EC2) holder(ctx context.Context, verb, name string) (Instance, *calls, error) {
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

// errNotElastic is an address that is none of the account's elastic ones: then it is
// meant as a private one, of whatever range the network has.
var errNotElastic = errors.New("the account has no such elastic address")

// elastic looks up an elastic address, and its association where it has one.
func (e *EC2) elastic(ctx context.Context, api *calls, ip netip.Addr) (Address, string, error) {
	if ip.IsPrivate() {
		return Address{}, "", errNotElastic
	}
	out, err := api.describeAddresses(ctx, &ec2.DescribeAddressesInput{
		Filters: []types.Filter{{Name: aws.String("public-ip"), Values: []string{ip.String()}}},
	})
	if err != nil {
		return Address{}, "", failure("look up the elastic address "+ip.String(), err)
	}
	if len(out.Addresses) == 0 {
		return Address{}, "", errNotElastic
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

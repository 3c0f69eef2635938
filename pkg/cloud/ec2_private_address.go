package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// detachTime is how long a network interface may take to come loose.
const detachTime = 40 * time.Second

// detachPause is how often that is looked at.
const detachPause = 500 * time.Millisecond

// interfaceWith finds the network interface with a private address in our place;
// nil where none has it.
func (e *EC2) interfaceWith(ctx context.Context, api *calls, ip netip.Addr) (*types.NetworkInterface, error) {
	filters := append(e.place(), types.Filter{Name: aws.String("addresses.private-ip-address"), Values: []string{ip.String()}})
	out, err := api.describeInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: filters})
	if err != nil {
		return nil, failure("look up the address "+ip.String(), err)
	}
	if len(out.NetworkInterfaces) == 0 {
		return nil, nil //nolint:nilnil // nobody having it is an answer
	}
	return &out.NetworkInterfaces[0], nil
}

// own tells whether an address is a network interface's own: then the interface
// moves, not the address.
func own(nic *types.NetworkInterface, ip netip.Addr) bool {
	return nic != nil && aws.ToString(nic.PrivateIpAddress) == ip.String()
}

// attached returns the instance and the device of an interface, "" where it has none.
func attached(nic *types.NetworkInterface) (instance string, device int32) {
	if nic == nil || nic.Attachment == nil {
		return "", -1
	}
	return aws.ToString(nic.Attachment.InstanceId), aws.ToInt32(nic.Attachment.DeviceIndex)
}

func (e *EC2) privateAddress(ctx context.Context, ip netip.Addr, nic *types.NetworkInterface) (Address, error) {
	a := Address{IP: ip}
	if nic == nil {
		return a, nil
	}
	a.Kind, a.ID = KindSecondary, aws.ToString(nic.NetworkInterfaceId)
	if own(nic, ip) {
		a.Kind = KindInterface
	}
	var err error
	if a.Holder, _ = attached(nic); a.Holder != "" {
		first, _ := netip.ParseAddr(aws.ToString(nic.PrivateIpAddress))
		a.Name, err = e.nameOf(ctx, a.Holder, first)
	}
	return a, err
}

// takePrivate gives a private address to an instance.
func (e *EC2) takePrivate(ctx context.Context, api *calls, i Instance, ip netip.Addr) (Address, error) {
	nic, err := e.interfaceWith(ctx, api, ip)
	if err != nil {
		return Address{}, err
	}
	holder, device := attached(nic)
	switch {
	case holder == i.ID:
		return e.privateAddress(ctx, ip, nic)
	case own(nic, ip) && device == 0:
		return Address{}, &Refused{
			Driver: EC2Name, Verb: "associate " + ip.String() + " with", Name: i.Name, Gate: GateNotOurs,
			Reason: "it is the first address of instance " + holder,
		}
	case own(nic, ip):
		err = e.moveInterface(ctx, api, nic, i)
	default:
		err = e.assign(ctx, api, i, ip)
	}
	if err != nil {
		return Address{}, err
	}
	if nic, err = e.interfaceWith(ctx, api, ip); err != nil {
		return Address{}, err
	}
	return e.privateAddress(ctx, ip, nic)
}

// dropPrivate takes a private address from an instance, where it has it.
func (e *EC2) dropPrivate(ctx context.Context, api *calls, i Instance, ip netip.Addr) (Address, error) {
	nic, err := e.interfaceWith(ctx, api, ip)
	if err != nil {
		return Address{}, err
	}
	holder, device := attached(nic)
	switch {
	case holder != i.ID:
		return e.privateAddress(ctx, ip, nic)
	case own(nic, ip) && device == 0:
		return Address{}, &Refused{
			Driver: EC2Name, Verb: "disassociate " + ip.String() + " from", Name: i.Name, Gate: GateNotOurs,
			Reason: "it is the machine's own first address",
		}
	case own(nic, ip):
		if err := e.detach(ctx, api, nic); err != nil {
			return Address{}, err
		}
		return Address{IP: ip, Kind: KindInterface, ID: aws.ToString(nic.NetworkInterfaceId)}, nil
	}
	_, err = api.unassignPrivateAddresses(ctx, &ec2.UnassignPrivateIpAddressesInput{
		NetworkInterfaceId: nic.NetworkInterfaceId, PrivateIpAddresses: []string{ip.String()},
	})
	if err != nil {
		return Address{}, failure(fmt.Sprintf("take %s from instance %s (%s)", ip, i.Name, i.ID), err)
	}
	return Address{IP: ip}, nil
}

// assign makes an address a secondary one of the instance's first interface.
func (e *EC2) assign(ctx context.Context, api *calls, i Instance, ip netip.Addr) error {
	nic, err := e.interfaceWith(ctx, api, i.IP)
	if err != nil {
		return err
	}
	if nic == nil {
		return fmt.Errorf("cannot give %s to instance %s (%s): it has no network interface with its address", ip, i.Name, i.ID)
	}
	_, err = api.assignPrivateAddresses(ctx, &ec2.AssignPrivateIpAddressesInput{
		NetworkInterfaceId: nic.NetworkInterfaceId, PrivateIpAddresses: []string{ip.String()}, AllowReassignment: aws.Bool(true),
	})
	return failure(fmt.Sprintf("give %s to instance %s (%s)", ip, i.Name, i.ID), err)
}

// moveInterface takes a network interface from whoever has it and attaches it to
// the instance.
func (e *EC2) moveInterface(ctx context.Context, api *calls, nic *types.NetworkInterface, i Instance) error {
	if err := e.detach(ctx, api, nic); err != nil {
		return err
	}
	device, err := e.freeDevice(ctx, i)
	if err != nil {
		return err
	}
	_, err = api.attachInterface(ctx, &ec2.AttachNetworkInterfaceInput{
		NetworkInterfaceId: nic.NetworkInterfaceId, InstanceId: aws.String(i.ID), DeviceIndex: aws.Int32(device),
	})
	return failure(fmt.Sprintf("attach interface %s to instance %s (%s)", aws.ToString(nic.NetworkInterfaceId), i.Name, i.ID), err)
}

// detach takes an interface from its instance by force, for the instance may be
// dead, and waits until it is loose.
func (e *EC2) detach(ctx context.Context, api *calls, nic *types.NetworkInterface) error {
	id := aws.ToString(nic.NetworkInterfaceId)
	if nic.Attachment == nil {
		return nil
	}
	_, err := api.detachInterface(ctx, &ec2.DetachNetworkInterfaceInput{
		AttachmentId: nic.Attachment.AttachmentId, Force: aws.Bool(true),
	})
	if err != nil && code(err) != "InvalidAttachmentID.NotFound" { // loose already
		return failure("detach interface "+id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, detachTime)
	defer cancel()
	for {
		out, err := api.describeInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})
		if err != nil {
			return failure("see interface "+id+" come loose", err)
		}
		if len(out.NetworkInterfaces) == 0 {
			return errors.New("cannot move interface " + id + ": it is gone")
		}
		if out.NetworkInterfaces[0].Attachment == nil {
			return nil
		}
		if err := pause(ctx, detachPause); err != nil {
			return fmt.Errorf("cannot move interface %s: it does not come loose: %w", id, err)
		}
	}
}

// freeDevice returns the first free device of an instance.
func (e *EC2) freeDevice(ctx context.Context, i Instance) (int32, error) {
	out, err := e.describe(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{i.ID}})
	if err != nil || len(out) == 0 {
		return 0, failure("look at the interfaces of "+i.ID, errors.Join(err, ctx.Err()))
	}
	used := map[int32]bool{}
	for _, n := range out[0].NetworkInterfaces {
		if n.Attachment != nil {
			used[aws.ToInt32(n.Attachment.DeviceIndex)] = true
		}
	}
	device := int32(1)
	for used[device] {
		device++
	}
	return device, nil
}

// pause lets time pass unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package ec2

import "slices"

type imageItem struct {
	ID             string `xml:"imageId"`
	Location       string `xml:"imageLocation"`
	State          string `xml:"imageState"`
	Owner          string `xml:"imageOwnerId"`
	Created        string `xml:"creationDate"`
	Public         bool   `xml:"isPublic"`
	Architecture   string `xml:"architecture"`
	Type           string `xml:"imageType"`
	Name           string `xml:"name"`
	Description    string `xml:"description"`
	RootType       string `xml:"rootDeviceType"`
	RootName       string `xml:"rootDeviceName"`
	Virtualization string `xml:"virtualizationType"`
	Hypervisor     string `xml:"hypervisor"`
}

type describeImagesReply struct {
	head
	Images set[imageItem] `xml:"imagesSet"`
}

func describeImages(_ *state, c call) (reply, *Error) {
	var items []imageItem
	for _, i := range c.images {
		items = append(items, imageItem{
			i.ID(), account + "/" + i.Name, "available", account, "2026-01-01T00:00:00.000Z", true, "x86_64", "machine",
			i.Name, i.Description, "ebs", "/dev/sda1", "hvm", "xen",
		})
	}
	if ids := c.list("ImageId"); len(ids) > 0 {
		for _, id := range ids {
			if !slices.ContainsFunc(items, func(i imageItem) bool { return i.ID == id }) {
				return nil, refuse("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
			}
		}
		items = slices.DeleteFunc(items, func(i imageItem) bool { return !slices.Contains(ids, i.ID) })
	}
	items, err := filtered(c, items, func(i imageItem) ([]tag, map[string]string) {
		return nil, map[string]string{
			"image-id": i.ID, "name": i.Name, "state": i.State, "architecture": i.Architecture, "owner-id": i.Owner,
			"description": i.Description, "is-public": "true", "image-type": i.Type, "root-device-type": i.RootType,
			"virtualization-type": i.Virtualization,
		}
	})
	return &describeImagesReply{Images: set[imageItem]{items}}, err
}

type regionItem struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

type describeRegionsReply struct {
	head
	Regions set[regionItem] `xml:"regionInfo"`
}

func describeRegions(_ *state, c call) (reply, *Error) {
	items, err := filtered(c, []regionItem{{Region, "ec2." + Region + ".amazonaws.com", "opt-in-not-required"}},
		func(i regionItem) ([]tag, map[string]string) {
			return nil, map[string]string{"region-name": i.Name, "endpoint": i.Endpoint, "opt-in-status": i.OptIn}
		})
	return &describeRegionsReply{Regions: set[regionItem]{items}}, err
}

type zoneItem struct {
	Name   string `xml:"zoneName"`
	ID     string `xml:"zoneId"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
}

type describeZonesReply struct {
	head
	Zones set[zoneItem] `xml:"availabilityZoneInfo"`
}

func describeAvailabilityZones(_ *state, c call) (reply, *Error) {
	items, err := filtered(c, []zoneItem{{zone, "lab1-az1", "available", Region}},
		func(i zoneItem) ([]tag, map[string]string) {
			return nil, map[string]string{
				"zone-name": i.Name, "zone-id": i.ID, "state": i.State, "region-name": i.Region,
			}
		})
	return &describeZonesReply{Zones: set[zoneItem]{items}}, err
}

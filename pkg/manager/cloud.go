package manager

import (
	"context"
	"errors"
	"strings"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/config"
	"github.com/clmgr/clmgr/pkg/store"
)

// driverOf returns the driver of a cluster's machines.
func driverOf(c config.Cluster, documents store.Store) cloud.Driver {
	if c.Cloud.Driver != cloud.EC2Name {
		var local []cloud.Instance
		for _, i := range c.Instances {
			local = append(local, cloud.Instance{ID: i.Name, Name: i.Name, IP: i.IP, State: i.State, Declared: i.State != ""})
		}
		return cloud.NewLocal(local)
	}
	o := cloud.EC2Options{
		Cluster: c.Name, Endpoint: c.Cloud.Endpoint, Profile: c.Cloud.Profile, Region: c.Cloud.Region, Zone: c.Cloud.Zone,
		AccessKey: c.Cloud.User, Secret: c.Cloud.Password.Reveal, VPC: c.Cloud.VPC, Subnet: c.Cloud.Subnet,
		Image: c.Cloud.Template, InstanceType: c.Cloud.InstanceType, KeyPair: c.Cloud.Key,
		SecurityGroups: strings.FieldsFunc(c.Cloud.SecurityGroups, func(r rune) bool { return r == ',' || r == ' ' }),
		Documents:      driverDocuments{documents},
	}
	for _, i := range c.Instances {
		o.Machines = append(o.Machines, cloud.Machine{Name: i.Name, IP: i.IP})
	}
	return cloud.Cached(cloud.NewEC2(o), o.Documents, c.Name, c.Cloud.APICache)
}

// driverDocuments is the store as drivers see it: what is not there is nil.
type driverDocuments struct{ store.Store }

// Get returns the document under the key.
func (d driverDocuments) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := d.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return b, err
}

package config

import "net/netip"

// ec2 is the driver whose keys are checked here.
const ec2 = "EC2"

// checkCloud checks that the cluster's cloud says what its driver must know.
func (k *checker) checkCloud() {
	c := &k.cluster.Cloud
	at := k.where(&c.Driver, c, &k.cluster.Name)
	if c.Driver == ec2 && c.VPC == "" && c.Subnet == "" {
		k.problem(at, "the driver EC2 needs vpc or subnet: without them the ips of instances could be those of other people's")
	}
	if _, err := netip.ParseAddr(c.ElasticIP); c.Driver == ec2 && c.ElasticIP != "" && err != nil {
		k.problem(k.where(&c.ElasticIP), "%s is not an ip address such as 203.0.113.10", quoted(c.ElasticIP))
	}
	if c.Driver != ec2 && k.cluster.SSH.HostKey == "console" {
		k.problem(k.where(&k.cluster.SSH.HostKey), "host_key: console is for machines of the driver EC2: others do not show their console")
	}
	for i := range k.cluster.Instances {
		if in := &k.cluster.Instances[i]; c.Driver == ec2 && in.State != "" {
			k.problem(k.where(&in.State, in), "%s has a state, which its provider tells", called("instance", in.Name))
		}
	}
}

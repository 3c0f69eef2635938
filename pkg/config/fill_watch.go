package config

// fillWatch completes what is watched in a cluster.
func (d *decoder) fillWatch(cluster *Cluster) {
	for i := range cluster.Metrics {
		m := &cluster.Metrics[i]
		d.defaults(m)
		if m.Timeout > m.Interval {
			d.warning(d.where(&m.Timeout, &m.Interval, m), "the metric %s may take longer than its interval, and then misses the next one", quoted(m.Name))
		}
	}
	if u := cluster.Units; u != nil {
		d.defaults(u)
		for i := range u.Watch {
			d.defaults(&u.Watch[i])
		}
	}
	h := cluster.Host
	if h == nil {
		return
	}
	d.defaults(h)
	for i := range h.Mounts {
		m := &h.Mounts[i]
		if !d.set(&m.Disk) {
			m.Disk = h.Disk
		}
		if !d.set(&m.Inodes) {
			m.Inodes = h.Inodes
		}
	}
}

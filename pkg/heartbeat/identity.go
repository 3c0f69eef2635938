package heartbeat

// A machine that its provider makes anew has a new id, and one that is not
// launched has only its name. These functions keep the entries of one machine
// together.

// recognize gives what a look was blind to, and could therefore only name, the id
// under which it was known.
func recognize(before Status, look Look) []Instance {
	var known map[Key]string
	out := look.Instances
	for n, i := range look.Instances {
		if i.Sight != Blind || i.ID != i.Name {
			continue
		}
		if known == nil {
			out, known = append([]Instance(nil), look.Instances...), before.byName()
		}
		if id, ok := known[Key{i.Cluster, Instances, i.Name}]; ok {
			out[n].ID = id
		}
	}
	return out
}

// byName returns the ids of the instances by their configured names.
func (s *Status) byName() map[Key]string {
	out := make(map[Key]string, len(s.Instances))
	for _, i := range s.Instances {
		out[Key{i.Cluster, Instances, i.Name}] = i.ID
	}
	return out
}

// withoutSuperseded drops what a filtered look left as it was although it saw the
// same machine under another id.
func withoutSuperseded(merged []Instance, look Look) []Instance {
	seen, names := map[Key]bool{}, map[Key]bool{}
	for n := range look.Instances {
		i := &look.Instances[n]
		seen[i.Key()] = true
		if i.Sight != Blind && i.Name != "" {
			names[Key{i.Cluster, Instances, i.Name}] = true
		}
	}
	out := merged[:0]
	for _, i := range merged {
		if seen[i.Key()] || !names[Key{i.Cluster, Instances, i.Name}] {
			out = append(out, i)
		}
	}
	return out
}

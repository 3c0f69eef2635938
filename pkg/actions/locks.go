package actions

// lock names what is locked; only one of the names is set, none for the cluster.
type lock struct{ cluster, machine, service string }

// String names the lock as a person would.
func (l lock) String() string {
	switch {
	case l.service != "":
		return "service " + l.service
	case l.machine != "":
		return "machine " + l.machine
	}
	return "cluster " + l.cluster
}

// holder is who has a lock, or waits for it and comes first.
type holder struct {
	id   ID
	mode Mode
}

type lockTable map[lock]holder

// want is one lock an action needs.
type want struct {
	lock
	mode Mode
}

// wants returns the locks of a verb on a target; Free ones are left out by take.
func wants(v Verb, t target) [3]want {
	if t.wide && v.Level == Scripts {
		return [3]want{{lock{cluster: t.cluster}, v.Cluster}}
	}
	if t.wide {
		return [3]want{{lock{cluster: t.cluster}, Exclusive}}
	}
	out := [3]want{{lock{cluster: t.cluster}, v.Cluster}, {lock{cluster: t.cluster, machine: t.machine}, v.Machine}}
	if t.service != "" {
		out[2] = want{lock{cluster: t.cluster, service: t.service}, v.Service}
	} else if v.Service != Free {
		out[1].mode = Exclusive // every service on the machine
	}
	return out
}

// take takes all the locks, or returns who is in the way. Even then they are
// noted as wanted, so that nobody who comes later goes first: who needs
// something alone would starve behind those who share it.
func (t lockTable) take(id ID, ws [3]want) (lock, holder, bool) {
	var blocked lock
	var by holder
	free := true
	for _, w := range ws {
		h, taken := t[w.lock]
		if w.mode == Free || !taken || h.mode == Shared && w.mode == Shared {
			continue
		}
		if free {
			blocked, by, free = w.lock, h, false
		}
	}
	for _, w := range ws {
		if h, taken := t[w.lock]; w.mode != Free && (!taken || w.mode > h.mode) {
			t[w.lock] = holder{id, w.mode}
		}
	}
	return blocked, by, free
}

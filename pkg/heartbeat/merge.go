package heartbeat

import "github.com/clmgr/clmgr/pkg/command"

// Merge lays a look over the status known before it and returns the whole
// status that is known now:
//
//   - what the look did not cover stays as it was;
//   - what it was blind to, and while isolated whatever did not answer as
//     running, keeps its old state, role and time, marked stale;
//   - an entry that is gone is dropped only after a whole and complete look;
//   - where another heartbeat has recorded its own look since this one began
//     (raced), the later sight of each entry wins.
func Merge(before Status, look Look, raced bool) Status {
	isolation := judgeIsolation(before, look)
	look.Instances = recognize(before, look)
	out := look.Status
	out.Instances = mergeEntries(before.Instances, look.Instances, look, (*Instance).Key, func(was *Instance, now Instance) Instance {
		return mergeInstance(was, now, isolation.State == Isolated, raced)
	})
	out.Instances = withoutSuperseded(out.Instances, look)
	out.Services = mergeEntries(before.Services, look.Services, look, (*Service).Key, func(was *Service, now Service) Service {
		return mergeService(was, now, isolation.State == Isolated, raced)
	})
	out.Conditions = conditions(before, look, out, isolation)
	if raced && before.At.After(out.At) {
		out.At, out.Conditions = before.At, before.Conditions
	}
	return out
}

// mergeEntries applies one to every entry of the look, in its order, and adds
// what the look did not cover, in the old order.
func mergeEntries[E any](before, now []E, look Look, key func(*E) Key, one func(*E, E) E) []E {
	index := make(map[Key]int, len(before))
	for i := range before {
		index[key(&before[i])] = i
	}
	if look.Whole && look.Complete {
		out := make([]E, 0, len(now))
		for i := range now {
			out = append(out, one(find(before, index, key(&now[i])), now[i]))
		}
		return out
	}
	fresh := make(map[Key]int, len(now))
	for i := range now {
		fresh[key(&now[i])] = i
	}
	out := make([]E, 0, len(before)+len(now))
	for i := range before {
		if j, ok := fresh[key(&before[i])]; ok {
			out = append(out, one(&before[i], now[j]))
			continue
		}
		out = append(out, before[i])
	}
	for i := range now {
		if _, ok := index[key(&now[i])]; !ok {
			out = append(out, one(nil, now[i]))
		}
	}
	return out
}

func find[E any](list []E, index map[Key]int, k Key) *E {
	if i, ok := index[k]; ok {
		return &list[i]
	}
	return nil
}

func mergeInstance(was *Instance, now Instance, isolated, raced bool) Instance {
	if was != nil && raced && !now.At.After(was.At) {
		return *was
	}
	if now.Sight == Told || now.Sight != Blind && (!isolated || now.State == Running) {
		return now
	}
	if was == nil {
		was = &Instance{State: Unknown}
	}
	kept := now
	kept.State, kept.Provider, kept.SSH, kept.Facts = was.State, was.Provider, was.SSH, was.Facts
	kept.At, kept.Stale = was.At, true
	return kept
}

func mergeService(was *Service, now Service, isolated, raced bool) Service {
	if was != nil && raced && !now.At.After(was.At) {
		return *was
	}
	if now.Role == "" && was != nil {
		now.Role = was.Role
	}
	if now.Role == "" {
		now.Role = now.Configured
	}
	if now.Role == "" {
		now.Role = NA
	}
	if now.Sight == Told || now.Sight != Blind && (!isolated || now.Code == command.OK) {
		return now
	}
	if was == nil {
		was = &Service{State: Unknown, Role: now.Role}
	}
	kept := now
	kept.Code, kept.State, kept.Role, kept.Writable, kept.Facts = was.Code, was.State, was.Role, was.Writable, was.Facts
	kept.HoldsVIP, kept.At, kept.Stale = was.HoldsVIP, was.At, true
	return kept
}

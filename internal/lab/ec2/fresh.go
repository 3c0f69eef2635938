package ec2

import "time"

// fresh is how much longer listings do not see something new. It is not kept over a
// restart: then everything has settled.
type fresh struct {
	unlisted, untagged       int // calls
	unlistedTill, untagdTill time.Time
}

// note begins the lag of instances that were just launched.
func note(news map[string]fresh, f Faults, before, after *state, now time.Time) {
	if f.Unlisted == (Lag{}) && f.Untagged == (Lag{}) {
		return
	}
	for id := range after.Instances {
		if _, known := before.Instances[id]; !known {
			news[id] = fresh{
				f.Unlisted.Calls, f.Untagged.Calls,
				now.Add(time.Duration(f.Unlisted.Time)), now.Add(time.Duration(f.Untagged.Time)),
			}
		}
	}
}

// look is the view of one listing, which counts as one call.
func look(news map[string]fresh, now time.Time) view {
	v := view{map[string]bool{}, map[string]bool{}}
	for id, f := range news {
		v.hidden[id] = f.unlisted > 0 || now.Before(f.unlistedTill)
		v.untagged[id] = f.untagged > 0 || now.Before(f.untagdTill)
		if !v.hidden[id] && !v.untagged[id] {
			delete(news, id)
			continue
		}
		f.unlisted, f.untagged = max(0, f.unlisted-1), max(0, f.untagged-1)
		news[id] = f
	}
	return v
}

package ec2

import (
	"regexp"
	"strings"
	"time"
)

// call is one request to an action, with what the action may look at beside the state.
type call struct {
	params
	now    time.Time
	images []Image
	alive  func(machine string) bool                        // has power and answers
	screen func(machine string) (log string, keys []string) // console and public host keys
	view   view
}

// view is what a listing does not see yet of what was changed a moment ago.
type view struct {
	hidden   map[string]bool // instances it does not list
	untagged map[string]bool // resources it lists without their tags
}

// action is one call of the API. It may change the state it is given; with an error, or
// in a dry run, that state is thrown away.
type action struct {
	do      func(*state, call) (reply, *Error)
	changes bool
}

// Image is a disk image that instances start from.
type Image struct {
	Name        string // databases
	Description string
}

// ID is the image's id in the API, made of its name: ami-databases.
func (i Image) ID() string { return "ami-" + i.Name }

// goodID tells whether the text is a resource id of that kind.
func goodID(kind, id string) bool {
	rest, ok := strings.CutPrefix(id, kind+"-")
	return ok && regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{17})$`).MatchString(rest)
}

// instanceByID finds an instance that is still listed.
func (s *state) instanceByID(c call, id string) (instance, *Error) {
	found, err := s.instancesByID(c, []string{id})
	if err != nil {
		return instance{}, err
	}
	return found[0], nil
}

// instancesByID finds all of them or says which it does not know.
func (s *state) instancesByID(c call, ids []string) ([]instance, *Error) {
	var found []instance
	var unknown []string
	seen := map[string]bool{}
	for _, id := range ids {
		if !goodID("i", id) {
			return nil, refuse("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
		}
		i, ok := s.Instances[id]
		switch {
		case !ok || !i.listed(c.now) || c.view.hidden[id]:
			unknown = append(unknown, id)
		case !seen[id]:
			found = append(found, i)
		}
		seen[id] = true
	}
	switch len(unknown) {
	case 0:
		return found, nil
	case 1:
		return nil, refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", unknown[0])
	}
	return nil, refuse("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(unknown, ", "))
}

// listedFor is how long a terminated instance is still shown.
const listedFor = time.Hour

// listed tells whether the API still knows the instance.
func (i instance) listed(now time.Time) bool { return i.live() || now.Sub(i.Ended) < listedFor }

// visibleTags are the tags of a resource that this call sees.
func (s *state) visibleTags(c call, resource string) []tag {
	if c.view.untagged[resource] {
		return nil
	}
	return s.Tags[resource]
}

package ec2

import (
	"slices"
)

// setTag gives a resource a tag, in place of the one with that key.
func (s *state) setTag(resource string, t tag) {
	tags := slices.Clone(s.Tags[resource])
	at := slices.IndexFunc(tags, func(old tag) bool { return old.Key == t.Key })
	if at < 0 {
		s.Tags[resource] = append(tags, t)
		return
	}
	tags[at] = t
	s.Tags[resource] = tags
}

// dropTag takes a tag away; value nil means whatever the value is.
func (s *state) dropTag(resource, key string, value *string) {
	tags := slices.DeleteFunc(slices.Clone(s.Tags[resource]), func(t tag) bool {
		return t.Key == key && (value == nil || t.Value == *value)
	})
	if len(tags) == 0 {
		delete(s.Tags, resource)
		return
	}
	s.Tags[resource] = tags
}

func tagValue(tags []tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// readTags reads Tag.N.Key and Tag.N.Value.
func readTags(p params) ([]tag, *Error) {
	var tags []tag
	for _, t := range p.structures("Tag") {
		key, err := t.need("Key")
		if err != nil {
			return nil, err
		}
		if len(key) > 127 || len(t["Value"]) > 255 {
			return nil, refuse("InvalidParameterValue", "Tag key or value exceeds the maximum length: 127 and 255 characters")
		}
		tags = append(tags, tag{key, t["Value"]})
	}
	if len(tags) > 50 {
		return nil, refuse("TagLimitExceeded", "The maximum number of tags for a resource is 50")
	}
	return tags, nil
}

// specifiedTags reads TagSpecification.N for one type of resource.
func specifiedTags(p params, resource string) ([]tag, *Error) {
	var tags []tag
	for _, spec := range p.structures("TagSpecification") {
		if spec["ResourceType"] != resource {
			continue
		}
		more, err := readTags(spec)
		if err != nil {
			return nil, err
		}
		tags = append(tags, more...)
	}
	return tags, nil
}

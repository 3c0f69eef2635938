package ec2

import (
	"maps"
	"slices"
	"strings"
)

func createTags(s *state, c call) (reply, *Error) {
	tags, err := readTags(c.params)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, missing("Tag")
	}
	return s.eachResource(c, func(id string) {
		for _, t := range tags {
			s.setTag(id, t)
		}
	})
}

// deleteTags takes away the tags named; one named without a value goes whatever its value
// is, and with no tag named all go.
func deleteTags(s *state, c call) (reply, *Error) {
	return s.eachResource(c, func(id string) {
		named := c.structures("Tag")
		if len(named) == 0 {
			delete(s.Tags, id)
		}
		for _, t := range named {
			var value *string
			if v, ok := t["Value"]; ok {
				value = &v
			}
			s.dropTag(id, t["Key"], value)
		}
	})
}

func (s *state) eachResource(c call, f func(id string)) (reply, *Error) {
	ids := c.list("ResourceId")
	if len(ids) == 0 {
		return nil, missing("ResourceId")
	}
	for _, id := range ids {
		if err := s.knowResource(c, id); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		f(id)
	}
	return &done{Return: true}, nil
}

// knowResource refuses an id that nothing has.
func (s *state) knowResource(c call, id string) *Error {
	switch resourceType(id) {
	case "instance":
		_, err := s.instanceByID(c, id)
		return err
	case "network-interface":
		_, err := s.interfaceByID(id)
		return err
	case "elastic-ip":
		if _, ok := s.Elastic[id]; ok {
			return nil
		}
		return refuse("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
	}
	if id == s.Place.VPC || id == s.Place.Subnet || id == s.Place.Group {
		return nil
	}
	return refuse("InvalidID", "The ID '%s' is not valid", id)
}

func resourceType(id string) string {
	kind, _, _ := strings.Cut(id, "-")
	return map[string]string{
		"i": "instance", "eni": "network-interface", "eipalloc": "elastic-ip",
		"vpc": "vpc", "subnet": "subnet", "sg": "security-group",
	}[kind]
}

type tagItem struct {
	Resource string `xml:"resourceId"`
	Type     string `xml:"resourceType"`
	Key      string `xml:"key"`
	Value    string `xml:"value"`
	seq      uint64
}

type describeTagsReply struct {
	head
	Tags set[tagItem] `xml:"tagSet"`
	Next string       `xml:"nextToken,omitempty"`
}

func describeTags(s *state, c call) (reply, *Error) {
	filters, err := readFilters(c.params)
	if err != nil {
		return nil, err
	}
	var all []tagItem
	for _, id := range slices.Sorted(maps.Keys(s.Tags)) {
		if i, ok := s.Instances[id]; ok && (c.view.hidden[id] || !i.listed(c.now)) {
			continue
		}
		for _, t := range s.visibleTags(c, id) {
			all = append(all, tagItem{Resource: id, Type: resourceType(id), Key: t.Key, Value: t.Value})
		}
	}
	all, err = chosen(all, filters, tagItemFields)
	if err != nil {
		return nil, err
	}
	for n := range all {
		all[n].seq = uint64(n) + 1 //nolint:gosec // an index
	}
	page, next, err := pageOf(c.params, all, 5, func(t tagItem) uint64 { return t.seq })
	if err != nil {
		return nil, err
	}
	return &describeTagsReply{Tags: set[tagItem]{page}, Next: next}, nil
}

func tagItemFields(t tagItem) fields {
	return func(name string) ([]string, bool) {
		switch name {
		case "key":
			return []string{t.Key}, true
		case "value":
			return []string{t.Value}, true
		case "resource-id":
			return []string{t.Resource}, true
		case "resource-type":
			return []string{t.Type}, true
		}
		return tagFields([]tag{{t.Key, t.Value}}, name)
	}
}

package ec2

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// state is all the endpoint knows, as it is kept on disk. Slices in it are never changed
// in place: a copy of the maps is a copy of the state.
type state struct {
	Seed       string                  `json:"seed"` // ids come from it
	Made       uint64                  `json:"made"` // how many
	Place      place                   `json:"place"`
	Instances  map[string]instance     `json:"instances"`
	Interfaces map[string]netInterface `json:"interfaces"`
	Elastic    map[string]elastic      `json:"elastic"` // by allocation
	Tags       map[string][]tag        `json:"tags"`    // by resource
	Tokens     map[string]token        `json:"tokens"`
}

// place is the network the instances are in.
type place struct {
	Prefix netip.Prefix `json:"prefix"` // of the one subnet
	Public netip.Prefix `json:"public"` // elastic addresses come from it
	VPC    string       `json:"vpc"`
	Subnet string       `json:"subnet"`
	Group  string       `json:"group"` // the default security group
}

const (
	account = "000000000000"
	// Region is where all instances are.
	Region = "eu-lab-1"
	zone   = Region + "a"
)

// instance is a virtual machine. A terminated one is kept, for its client token, and
// listed for an hour.
type instance struct {
	ID          string    `json:"id"`
	Seq         uint64    `json:"seq"` // listings are in this order
	Reservation string    `json:"reservation"`
	Index       int       `json:"index"` // within the reservation
	Image       string    `json:"image"`
	Type        string    `json:"type"`
	Key         string    `json:"key,omitempty"`
	Token       string    `json:"token,omitempty"`
	Machine     string    `json:"machine,omitempty"` // empty: there is none
	Power       power     `json:"power"`
	Force       bool      `json:"force,omitempty"`  // stopping: pull the cord
	Booted      bool      `json:"booted,omitempty"` // it was running once
	Reason      reason    `json:"reason"`
	Launched    time.Time `json:"launched"`
	Ended       time.Time `json:"ended,omitzero"`
	Interfaces  []string  `json:"interfaces,omitempty"` // the first is the primary
}

// power is an instance's state by its number in the API.
type power int

const (
	pending      power = 0
	running      power = 16
	shuttingDown power = 32
	terminated   power = 48
	stopping     power = 64
	stopped      power = 80
)

func (p power) String() string {
	switch p {
	case pending:
		return "pending"
	case running:
		return "running"
	case shuttingDown:
		return "shutting-down"
	case terminated:
		return "terminated"
	case stopping:
		return "stopping"
	case stopped:
		return "stopped"
	}
	return fmt.Sprintf("power(%d)", int(p))
}

// moving tells whether the state is on its way to another.
func (p power) moving() bool { return p == pending || p == stopping || p == shuttingDown }

// reason is why an instance is in its state; zero for a running one.
type reason struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

type tag struct {
	Key   string `json:"key" xml:"key"`
	Value string `json:"value" xml:"value"`
}

// token is a client token that was used.
type token struct {
	Request   string   `json:"request"` // hash of the parameters
	Instances []string `json:"instances"`
}

func newState(seed string, prefix, public netip.Prefix) *state {
	s := &state{
		Seed: seed, Place: place{Prefix: prefix, Public: public},
		Instances: map[string]instance{}, Interfaces: map[string]netInterface{},
		Elastic: map[string]elastic{}, Tags: map[string][]tag{}, Tokens: map[string]token{},
	}
	s.Place.VPC, s.Place.Subnet, s.Place.Group = s.newID("vpc"), s.newID("subnet"), s.newID("sg")
	return s
}

func (s *state) clone() *state {
	c := *s
	c.Instances, c.Interfaces = maps.Clone(s.Instances), maps.Clone(s.Interfaces)
	c.Elastic, c.Tags, c.Tokens = maps.Clone(s.Elastic), maps.Clone(s.Tags), maps.Clone(s.Tokens)
	return &c
}

// newID makes a resource id that looks like the real ones: i-0123456789abcdef0.
func (s *state) newID(kind string) string {
	s.Made++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", s.Seed, s.Made))
	return kind + "-0" + hex.EncodeToString(sum[:8])
}

// inOrder lists the values of a map by their number.
func inOrder[V any](m map[string]V, seq func(V) uint64) []V {
	return slices.SortedFunc(maps.Values(m), func(a, b V) int { return cmp.Compare(seq(a), seq(b)) })
}

// live is the instance of that id that is or will be there; not a terminated one.
func (i instance) live() bool { return i.Power != terminated }

// primary is the interface an instance began with; false once it is terminated.
func (s *state) primary(i instance) (netInterface, bool) {
	if len(i.Interfaces) == 0 {
		return netInterface{}, false
	}
	n, ok := s.Interfaces[i.Interfaces[0]]
	return n, ok
}

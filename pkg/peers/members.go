package peers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Members are the managers that watch one another, with how often each came and went:
// an odd number is in, an even one out. Any two copies merge by the larger number, so
// that no loss of the shared copy takes a member out, and nobody brings one back who
// does not publish (a causal-length set: Yu, Rostad, PaPoC 2020).
type Members map[string]uint64

// membersVersion is that of the document.
const membersVersion = 1

type wireMembers struct {
	Version int     `json:"version"`
	Members Members `json:"members"`
}

// Encode gives the document.
func (m Members) Encode() ([]byte, error) { return json.Marshal(wireMembers{membersVersion, m}) }

// DecodeMembers reads the document; nil is no member.
func DecodeMembers(b []byte) (Members, error) {
	if b == nil {
		return Members{}, nil
	}
	var w wireMembers
	if err := json.Unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("cannot read the list of managers: %w", err)
	}
	if w.Version != membersVersion {
		return nil, fmt.Errorf("cannot read the list of managers: it is of version %d, known is %d", w.Version, membersVersion)
	}
	if w.Members == nil {
		w.Members = Members{}
	}
	return w.Members, nil
}

// Has tells whether name is in.
func (m Members) Has(name string) bool { return m[name]%2 == 1 }

// Names returns who is in, sorted.
func (m Members) Names() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m.Has(name) {
			out = append(out, name)
		}
	}
	return out
}

// Merge returns both copies as one.
func (m Members) Merge(other Members) Members {
	out := maps.Clone(m)
	if out == nil {
		out = Members{}
	}
	for name, n := range other {
		out[name] = max(out[name], n)
	}
	return out
}

// With returns the members with name in.
func (m Members) With(name string) Members {
	out := m.Merge(nil)
	if !out.Has(name) {
		out[name]++
	}
	return out
}

// Without returns the members with name out.
func (m Members) Without(name string) Members {
	out := m.Merge(nil)
	if out.Has(name) {
		out[name]++
	}
	return out
}

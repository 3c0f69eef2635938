package peers

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Copies merge in any order, any number of times, to the same; joining and leaving do
// what they say, and decoding gives what was encoded.
func TestMembersMerge(t *testing.T) {
	names := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.Uint64Range(0, 5))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := Members(names.Draw(t, "a")), Members(names.Draw(t, "b")), Members(names.Draw(t, "c"))
		if !maps.Equal(a.Merge(b).Merge(c), c.Merge(a.Merge(b.Merge(c)))) {
			t.Fatal("the order of merging shows")
		}
		in, out := a.With("a"), a.Without("a")
		if !in.Has("a") || out.Has("a") || !maps.Equal(in, in.With("a")) || !maps.Equal(out, out.Without("a")) {
			t.Fatalf("in %v, out %v", in, out)
		}
		// What was changed last wins over the copy that it was changed from.
		if !a.Merge(in).Has("a") || a.Merge(out).Has("a") {
			t.Fatalf("%v loses against %v", out, a)
		}
		doc, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeMembers(doc); err != nil || !maps.Equal(a, back) {
			t.Fatalf("%v, %v", back, err)
		}
		for _, name := range a.Names() {
			if a[name]%2 != 1 {
				t.Fatalf("%s is in", name)
			}
		}
	})
}

func TestDocumentsOfOtherVersions(t *testing.T) {
	for what, read := range map[string]func([]byte) error{
		"members": func(b []byte) error { _, err := DecodeMembers(b); return err },
		"report":  func(b []byte) error { _, err := DecodeReport("a", b); return err },
		"state":   func(b []byte) error { _, err := DecodeState(b); return err },
	} {
		for _, doc := range []string{`{"version":2,"peer":"a","interval_ms":1,"ttl_ms":1}`, `[]`, `{`, `{"version":`} {
			if read([]byte(doc)) == nil {
				t.Errorf("%s takes %s", what, doc)
			}
		}
	}
	for _, doc := range []string{`{"version":1,"peer":"b","interval_ms":1,"ttl_ms":1}`, `{"version":1,"peer":"a","ttl_ms":1}`} {
		if _, err := DecodeReport("a", []byte(doc)); err == nil {
			t.Errorf("report takes %s", doc)
		}
	}
	if s, err := DecodeState(nil); err != nil || len(s.Failed) > 0 {
		t.Errorf("%v, %v", s, err)
	}
	if m, err := DecodeMembers(nil); err != nil || len(m.Names()) > 0 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestReportComesBack(t *testing.T) {
	r := Report{
		Peer: "a", Life: "x", Seq: 7, Interval: second, TTL: 10 * second,
		Metrics: []Metric{{Name: "lag", Value: "3", Seq: 2, Age: 1500 * millisecond, TTL: 90 * second, Valid: true}, {Name: "up", TTL: second, Why: "exit status 1"}},
	}
	doc, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeReport("a", doc)
	if err != nil || back.Life != r.Life || back.Seq != r.Seq || back.TTL != r.TTL || back.IP.IsValid() || !slices.Equal(back.Metrics, r.Metrics) {
		t.Errorf("%+v, %v", back, err)
	}
}

package ledger_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/actions"
)

// A number must be on the disk before anybody can see it.
func TestAddIsInTheOwnCopyFirst(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m := newManager(t, shared, "m1")
	seen := ""
	m.shared.set(func(s *tap) {
		s.before = func() {
			q, err := m.Own(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			seen = groups(q)
		}
	})
	m.add(t, "n1")
	if seen != "[n1]" {
		t.Errorf("when it was shared, the own copy held %s", seen)
	}
}

func TestAddTellsWhoHoldsIt(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
	got, err := m1.Add(t.Context(), request("n1"))
	if err != nil {
		t.Fatal(err)
	}
	x := got.Added[0].ID
	if h := got.Holders[x]; len(h) != 1 || h[0] != got.View.Writer || !strings.HasPrefix(h[0], "m1-") {
		t.Errorf("held by %v, written by %s", h, got.View.Writer)
	}
	m2.look(t)
	got, err = m2.Add(t.Context(), request("n1", "n2"))
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Added[0]; !a.Joined || a.ID != x || got.Added[1].Joined {
		t.Errorf("%+v", got.Added)
	}
	if h := fmt.Sprint(got.Holders[x]); !strings.Contains(h, "m1-") || !strings.Contains(h, "m2-") {
		t.Errorf("%s is held by %s", x, h)
	}
	wantGroups(t, "the receipt", got.View.Queue, "n1", "n2")
}

func TestAddLeavesOutWhatIsBad(t *testing.T) {
	t.Parallel()
	m := newManager(t, t.TempDir(), "m1")
	r := request("n1", "n2")
	r.Drafts[0].Do.Action = "explode"
	got, err := m.Add(t.Context(), r)
	if err != nil || len(got.Bad) != 1 || got.Bad[0].Entry != 1 || len(got.Added) != 1 || got.Added[0].Draft != 2 {
		t.Fatalf("%+v (%v)", got, err)
	}
	m.wantOwn(t, "n2")
	r = request("n3", "n4")
	r.Drafts[1].Do.Action, r.Strict = "explode", true
	writes := m.own.written() + m.shared.written()
	if got, err := m.Add(t.Context(), r); err != nil || len(got.Bad) != 1 || len(got.Added) != 0 {
		t.Fatalf("%+v (%v)", got, err)
	}
	m.wantOwn(t, "n2")
	if n := m.own.written() + m.shared.written(); n != writes {
		t.Errorf("%d writes for nothing", n-writes)
	}
}

func TestAddWithoutTheStore(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	for _, test := range []struct {
		name    string
		breaks  func(*tap)
		unknown bool
		there   bool // in the shared copy all the same
	}{
		{"down", func(s *tap) { s.down = errDown }, false, false},
		{"answers get lost", func(s *tap) { s.loses = true }, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m1, m2 := newManager(t, shared, "m1"), newManager(t, shared, "m2")
			group := strings.ReplaceAll(test.name, " ", "_")
			m1.shared.set(test.breaks)
			got, err := m1.Add(t.Context(), request(group))
			if u := wantUnshared(t, err); u.Unknown() != test.unknown {
				t.Errorf("unknown %v: %v", u.Unknown(), err)
			}
			if len(got.Added) != 1 || got.View.Queue.Len() == 0 || got.Holders != nil {
				t.Fatalf("%+v", got)
			}
			x := got.Added[0].ID
			if _, there := m2.look(t).Queue.Get(x); there != test.there {
				t.Errorf("shared: %v", there)
			}
			m1.shared.set(func(s *tap) { s.down, s.loses = nil, false })
			m1.look(t)
			if _, there := m2.look(t).Queue.Get(x); !there {
				t.Error("a later look did not bring it over")
			}
		})
	}
}

// A state directory that is lost makes a new writer, whose numbers cannot be
// taken for those of the old one.
func TestLostStateDirectoryMakesANewWriter(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	m := newManager(t, shared, "m1")
	old := m.add(t, "n1")[0]
	if err := os.RemoveAll(m.state); err != nil {
		t.Fatal(err)
	}
	m.shared.set(func(s *tap) { s.down = errDown }) // so that it cannot look up what it wrote
	got, err := m.Add(t.Context(), request("n2"))
	wantUnshared(t, err)
	if now := got.Added[0].ID; now.Writer == old.Writer || now.Seq != 1 {
		t.Errorf("%s after %s", now, old)
	}
	m.shared.set(func(s *tap) { s.down = nil })
	wantGroups(t, "the look", m.look(t).Queue, "n1", "n2")
	m.wantOwn(t, "n1", "n2")
}

func TestWritersHaveNamesThatActionsCanBear(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"db-mgr1.example.org", "", "---", ".x", "Müller & Sohn", strings.Repeat("é", 200)} {
		m := newManager(t, t.TempDir(), name)
		x := m.add(t, "n1")[0]
		if back, err := actions.ParseID(x.String()); err != nil || back != x {
			t.Errorf("manager %q writes %s: %v", name, x, err)
		}
	}
}

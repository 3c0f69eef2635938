package actions

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"pgregory.net/rapid"
)

func anyTime(t *rapid.T, name string) time.Time {
	if n := rapid.IntRange(0, 3).Draw(t, name); n > 0 {
		return t0.Add(time.Duration(n) * time.Minute)
	}
	return time.Time{}
}

// anyProgress draws parts that need not fit together.
func anyProgress(t *rapid.T) Progress {
	small := rapid.Uint64Range(0, 3)
	return Progress{
		Epoch:  small.Draw(t, "epoch"),
		Claims: anyClaims(t),
		Failure: Failure{
			Epoch: small.Draw(t, "failEpoch"), Try: small.Draw(t, "failTry"), Final: rapid.Bool().Draw(t, "final"),
			Err: rapid.SampledFrom([]string{"", "no"}).Draw(t, "err"), Times: small.Draw(t, "times"), NotBefore: anyTime(t, "notBefore"),
		},
		Cancelled: rapid.Bool().Draw(t, "cancelled"), Done: rapid.Bool().Draw(t, "done"),
		Renewed: anyTime(t, "renewed"), Ended: anyTime(t, "ended"),
	}
}

func anyClaims(t *rapid.T) Claims {
	var cs Claims
	for range rapid.IntRange(0, 5).Draw(t, "claims") {
		cs = cs.merge(Claims{{
			Epoch: rapid.Uint64Range(0, 2).Draw(t, "claimEpoch"), Try: rapid.Uint64Range(1, 3).Draw(t, "claimTry"),
			Owner: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "owner"), Beat: rapid.Uint64Range(1, 3).Draw(t, "beat"),
			Ended: rapid.Bool().Draw(t, "ended"), Since: anyTime(t, "since"),
		}})
	}
	return cs
}

// anyQueue draws a copy that knows some ids, has pruned some and not seen others.
func anyQueue(t *rapid.T) *Queue {
	q := &Queue{}
	for _, w := range []string{"v", "w"} {
		for seq := range rapid.Uint64Range(0, 4).Draw(t, "mark") {
			id := ID{w, seq + 1}
			q.note(id)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				q.putHold(Hold{ID: id, Group: rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group"), At: t0, Released: anyTime(t, "released")})
			case 1, 2:
				q.put(Action{
					ID: id, Cluster: "prod", Created: t0, Progress: anyProgress(t),
					Do: command.Command{Group: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "forged")},
				})
			}
		}
	}
	if rapid.Bool().Draw(t, "confirmed") {
		q.Confirm(rapid.SampledFrom([]string{"v", "w"}).Draw(t, "manager"), q)
	}
	for n := range rapid.IntRange(0, 2).Draw(t, "unread") {
		q.unread = addUnread(q.unread, Unread{
			Raw: fmt.Appendf(nil, "%d", rapid.IntRange(n, 3).Draw(t, "raw")), Why: rapid.SampledFrom([]string{"odd", "old"}).Draw(t, "why"),
		})
	}
	return q
}

func same(a, b *Queue) bool {
	return reflect.DeepEqual(full(a.actions), full(b.actions)) && reflect.DeepEqual(full(a.holds), full(b.holds)) &&
		reflect.DeepEqual(full(a.marks), full(b.marks)) && reflect.DeepEqual(full(a.held), full(b.held)) &&
		slices.EqualFunc(a.unread, b.unread, func(x, y Unread) bool { return string(x.Raw) == string(y.Raw) && x.Why == y.Why })
}

// full makes nothing and an empty map the same.
func full[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyQueue(t), anyQueue(t), anyQueue(t)
		ab := Merge(a, b)
		if !same(ab, Merge(b, a)) {
			t.Fatalf("not commutative:\n%+v\n%+v", a, b)
		}
		if !same(Merge(ab, c), Merge(a, Merge(b, c))) {
			t.Fatalf("not associative:\n%+v\n%+v\n%+v", a, b, c)
		}
		if !same(Merge(a, a), a) || !same(Merge(ab, a), ab) || !same(Merge(b, ab), ab) {
			t.Fatalf("not idempotent:\n%+v\n%+v", a, b)
		}
	})
}

// Two copies are equal if they are stored as the same bytes.
func TestEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyQueue(t), anyQueue(t)
		encode := func(q *Queue) string {
			text, err := q.Encode()
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		back, err := Decode([]byte(encode(a)))
		if err != nil {
			t.Fatal(err)
		}
		for name, o := range map[string]*Queue{
			"another": b, "a clone": a.Clone(), "read again": back, "merged": Merge(a, b), "merged the other way": Merge(b, a), "changed": changed(t, a),
		} {
			if equal := a.Equal(o); equal != (encode(a) == encode(o)) || equal != o.Equal(a) {
				t.Fatalf("%s: equal %v\n%s\n%s", name, equal, encode(a), encode(o))
			}
		}
	})
}

// changed is a copy of which one entry differs in one thing, if it has any.
func changed(t *rapid.T, q *Queue) *Queue {
	q = q.Clone()
	all := q.All()
	if len(all) == 0 {
		return q
	}
	a := rapid.SampledFrom(all).Draw(t, "changed")
	for n, change := range []func(){
		func() { a.Do.Level = "services" }, func() { a.Instance = "i-1" }, func() { a.Require = map[string]string{"k": "v"} },
		func() { a.After = []ID{{"w", 1}} }, func() { a.Expires = t0 }, func() { a.NotBefore = t0 }, func() { a.AskedBy.Where = "ops1" },
		func() { a.When.State = "running" }, func() { a.Progress.Failure.Delay = time.Second }, func() { a.Progress.Renewed = t0.Add(time.Hour) },
	} {
		if n == rapid.IntRange(0, 9).Draw(t, "change") {
			change()
		}
	}
	q.put(a)
	return q
}

// What is done in one copy is done or pruned in what it merges to, and what is
// cancelled is cancelled, done or pruned.
func TestMergeKeepsTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyQueue(t), anyQueue(t)
		for id, x := range a.actions {
			y, there := Merge(a, b).Get(id)
			_, has := b.actions[id]
			if there != (has || !b.Seen(id)) {
				t.Fatalf("%s there: %v", id, there)
			}
			if there && x.State() == Done && y.State() != Done || there && x.State() == Cancelled && !y.State().Finished() {
				t.Fatalf("%s was %s and became %s", id, x.State(), y.State())
			}
		}
	})
}

// Whatever a copy went through, who takes a lease on what waits there runs it.
func TestTakeRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProgress(t)
		p.Done, p.Cancelled = false, false
		p.Epoch = max(p.Epoch, p.Claim().Epoch, p.Failure.Epoch) // as the codec sees to it
		if next, err := p.Take("x", lease, t0); (err == nil) != (p.State() == Waiting && !p.Working()) || err == nil && next.State() != Running {
			t.Fatalf("%s: %v, %s", p.State(), err, next.State())
		}
	})
}

// Every move goes up: the copy from before it, however late it is merged in,
// changes nothing.
func TestMovesGoUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Progress
		past := []Progress{p}
		hand := map[string]Claim{}
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			move, owner := rapid.SampledFrom(words).Draw(t, "move"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "owner")
			from := p.State()
			next, err := makeMove(p, move, owner, hand[owner])
			if err != nil {
				if next != p {
					t.Fatalf("%s was refused and changed something", move)
				}
				continue
			}
			if next != p && !slices.Contains(Edges(), Edge{from, named(move), next.State()}) {
				t.Fatalf("%s led from %s to %s", move, from, next.State())
			}
			if p = next; move == "claim" || move == "beat" {
				hand[owner] = p.Claim()
			}
			past = append(past, p)
			old := rapid.SampledFrom(past).Draw(t, "old")
			if old.merge(p) != p || p.merge(old) != p {
				t.Fatalf("an old copy changes a new one:\n%+v\n%+v", old, p)
			}
		}
	})
}

// All that is due can run at once, and nothing is due before what comes before it.
func TestDueIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := anyWork(t)
		in := Input{Now: t0, Leases: Leases{Passed: true}, Limits: Usual(), Words: UsualWords()}
		r := q.Due(in)
		locks := lockTable{}
		x := newIndex(in.Status)
		take := func(a Action) {
			if _, by, free := locks.take(a.ID, wants(in.Words.verb(a.Do.Level, a.Do.Action), x.target(&a))); !free {
				t.Fatalf("%s runs while %s does", a.ID, by.id)
			}
		}
		for _, a := range q.All() {
			if a.Progress.Working() {
				locks.take(a.ID, wants(in.Words.verb(a.Do.Level, a.Do.Action), x.target(&a)))
			}
		}
		for _, id := range r.Due {
			a, _ := q.Get(id)
			take(a)
			for _, b := range q.All() {
				earlier := a.Plan != "" && a.planKey() == b.planKey() && b.ID.Compare(id) < 0
				if (earlier || slices.Contains(a.After, b.ID)) && b.State() != Done {
					t.Fatalf("%s is due before %s", id, b.ID)
				}
			}
		}
		for _, v := range r.Verdicts {
			if v.Due != (v.Why == "") || !v.Due && v.Reason == "" {
				t.Fatalf("%+v", v)
			}
		}
		if again := q.Due(in); !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v, then %+v", r, again)
		}
	})
}

func anyWork(t *rapid.T) *Queue {
	q := &Queue{}
	for range rapid.IntRange(1, 12).Draw(t, "actions") {
		a := Action{
			ID: q.next("w"), Cluster: "prod", Created: t0, Plan: rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "plan"),
			Do: command.Command{
				Level: "services", Action: rapid.SampledFrom([]string{"start", "bootstrap_ncc"}).Draw(t, "verb"),
				Group: rapid.SampledFrom([]string{"n1", "n2", "10.0.0.1", "all"}).Draw(t, "group"),
			},
		}
		if rapid.Bool().Draw(t, "tied") {
			a.After = []ID{{"w", rapid.Uint64Range(1, a.ID.Seq).Draw(t, "after")}}
		}
		var err error
		story := rapid.SampledFrom([][]string{nil, nil, {"claim"}, {"claim", "finish"}, {"park"}, {"cancel"}, {"claim", "cancel"}}).Draw(t, "story")
		for _, move := range story {
			if a.Progress, err = makeMove(a.Progress, move, "x", a.Progress.Claim()); err != nil {
				t.Fatal(err)
			}
		}
		q.put(a)
	}
	return q
}

package heartbeat

import (
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	anyState = rapid.SampledFrom([]string{Running, Stopped, Pending, Unreachable, Absent})
	anyCode  = rapid.SampledFrom([]string{"ok", "ER0001", "ER0003"})
	anySight = rapid.SampledFrom([]string{"", "!", "?"})
	anyRole  = rapid.SampledFrom([]string{"", "/master", "/slave", "/w", "/vip", "/free", "/dark"})
)

// anyLook draws a look of up to eight machines, each with up to two services.
// What is silent is never running.
func anyLook(t *rapid.T) Look {
	var words []string
	for i := range 8 {
		if rapid.Bool().Draw(t, "there") {
			state, sight := anyState.Draw(t, "state"), anySight.Draw(t, "sight")
			if sight == "!" {
				state = Unreachable
			}
			words = append(words, fmt.Sprintf("i%d=%s@%d%s", i, state, i+1, sight))
		}
		for j := range rapid.IntRange(0, 2).Draw(t, "services") {
			code, sight := anyCode.Draw(t, "code"), anySight.Draw(t, "sight")
			if sight == "!" {
				code = "ER0003"
			}
			words = append(words, fmt.Sprintf("s%d-%d:%s@%d%s%s", i, j, code, i+1, sight, anyRole.Draw(t, "role")))
		}
	}
	l := look(strings.Join(words, " "), later(rapid.IntRange(1, 50).Draw(t, "minute")))
	l.Whole, l.Complete = rapid.Bool().Draw(t, "whole"), rapid.Bool().Draw(t, "complete")
	return l
}

// Applying the differences to the old points gives the new ones.
func TestDiffIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, now := Merge(Status{}, anyLook(t), false), Merge(Status{}, anyLook(t), false)
		points := map[Key]Point{}
		for n := range before.length() {
			points[before.entry(n).key] = before.entry(n).point
		}
		for _, e := range Diff(before, now) {
			if was := points[e.Key]; was != e.Was && (e.Was.State != Absent || was != Point{}) {
				t.Fatalf("%v was %v", e, points[e.Key])
			}
			if e.Is.State == Absent {
				delete(points, e.Key)
			} else {
				points[e.Key] = e.Is
			}
		}
		want := map[Key]Point{}
		for n := range now.length() {
			e := now.entry(n)
			want[e.key] = e.point
			if points[e.key].State == Unknown || e.point.State == Absent { // no event by rule
				points[e.key] = e.point
			}
		}
		for key, point := range points {
			if _, ok := want[key]; !ok && (point.State == Unknown || point.State == Absent) { // the same
				delete(points, key)
			}
		}
		if !reflect.DeepEqual(points, want) {
			t.Fatalf("got %v want %v", points, want)
		}
	})
}

// Order never matters, and a status does not differ from itself.
func TestDiffIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Merge(Status{}, anyLook(t), false)
		mixed := s
		mixed.Instances = append([]Instance(nil), s.Instances...)
		mixed.Services = append([]Service(nil), s.Services...)
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		r.Shuffle(len(mixed.Instances), func(i, j int) {
			mixed.Instances[i], mixed.Instances[j] = mixed.Instances[j], mixed.Instances[i]
		})
		r.Shuffle(len(mixed.Services), func(i, j int) { mixed.Services[i], mixed.Services[j] = mixed.Services[j], mixed.Services[i] })
		if events := Diff(s, mixed); len(events) > 0 {
			t.Fatalf("%v", events)
		}
	})
}

// What a look was blind to never makes an event, and a look recorded twice
// makes none the second time.
func TestBlindnessMakesNoEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rec Record
		for range rapid.IntRange(1, 6).Draw(t, "looks") {
			l := anyLook(t)
			blind, absent := map[Key]bool{}, map[Key]bool{}
			for _, i := range l.Instances {
				blind[i.Key()], absent[i.Key()] = i.Sight == Blind, i.State == Absent
			}
			for _, v := range l.Services {
				blind[v.Key()] = v.Sight == Blind
			}
			known := map[Key]bool{}
			for n := range rec.Status.length() {
				known[rec.Status.entry(n).key] = true
			}
			next, events := rec.Beat(l, rec.Seq, true)
			for _, e := range events {
				if blind[e.Key] && known[e.Key] {
					t.Fatalf("blind to %v, yet told %v", e.Key, e)
				}
				if e.Is.State == Absent && !absent[e.Key] && (!l.Whole || !l.Complete) {
					t.Fatalf("removed by a partial look: %v", e)
				}
			}
			removed := false
			for _, e := range events {
				removed = removed || e.Is.State == Absent
			}
			// What is removed takes along that its host used to answer.
			if _, again := next.Beat(l, next.Seq, true); len(again) > 0 && !removed {
				t.Fatalf("the same look told again: %v\nbefore %+v\nlook %+v", again, rec.Status, l)
			}
			rec = next
		}
	})
}

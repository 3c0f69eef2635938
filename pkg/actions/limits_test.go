package actions

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Delays grow until the longest, differ between actions, and are always the
// same for the same attempt of the same action.
func TestDelay(t *testing.T) {
	l := Usual()
	rapid.Check(t, func(t *rapid.T) {
		id := ID{rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "writer"), rapid.Uint64Range(1, 1<<40).Draw(t, "seq")}
		base := l.First
		for n := uint64(1); n < 70; n++ {
			d := l.Delay(id, n)
			if d != l.Delay(id, n) || d > base || d < base*3/4 || d > l.Longest {
				t.Fatalf("after %d failures %s, the base is %s", n, d, base)
			}
			if next := l.Delay(id, n+1); base*2 <= l.Longest && next <= d {
				t.Fatalf("%s, then %s", d, next)
			}
			base = min(base*2, l.Longest)
		}
	})
	delays := map[time.Duration]bool{}
	low, high := time.Hour, time.Duration(0)
	for n := range uint64(1000) {
		d := l.Delay(ID{"w", n + 1}, 4)
		delays[d] = true
		low, high = min(low, d), max(high, d)
	}
	if len(delays) < 990 || low > 31*time.Second || high < 39*time.Second {
		t.Errorf("%d different delays from %s to %s", len(delays), low, high)
	}
}

func TestJudge(t *testing.T) {
	l := Usual()
	l.Tries = 3
	broken := errors.New("apt broke")
	for _, c := range []struct {
		name  string
		err   error
		times uint64
		now   time.Duration
		want  string
	}{
		{"first failure", broken, 0, 0, "times=1 final=false soon=true"},
		{"last failure", broken, 2, 0, "times=3 final=true soon=false"},
		{"retry", &Retry{After: time.Minute, Reason: "apt is locked"}, 2, 0, "times=2 final=false soon=true"},
		{"retry far ahead", fmt.Errorf("cannot install: %w", &Retry{After: time.Hour}), 2, 0, "times=2 final=false soon=true"},
		{"retry soon", &Retry{Reason: "busy"}, 2, 0, "times=2 final=false soon=true"},
		{"wait", fmt.Errorf("cannot install: %w", &Wait{Reason: "it rebooted"}), 2, 0, "times=2 final=false soon=true"},
		{"no use", fmt.Errorf("cannot start: %w", &Permanent{broken}), 0, 0, "times=1 final=true soon=false"},
		{"out of time", &Retry{Reason: "apt is locked"}, 0, 25 * time.Hour, "times=0 final=true soon=false"},
	} {
		a := Action{ID: ID{"w", 1}, Created: t0, Expires: t0.Add(24 * time.Hour), Progress: Progress{Failure: Failure{Times: c.times}}}
		now := t0.Add(c.now)
		f := l.Judge(a, c.err, now)
		soon := f.NotBefore.Equal(now.Add(f.Delay)) && f.Delay > 0 && f.Delay <= l.Longest
		if got := fmt.Sprintf("times=%d final=%v soon=%v", f.Times, f.Final, soon); got != c.want || f.Err != c.err.Error() {
			t.Errorf("%s: %s, want %s; %q", c.name, got, c.want, f.Err)
		}
	}
}

// A delay that another clock set holds nobody up for longer than it is.
func TestDelayUnderWrongClocks(t *testing.T) {
	q := scene(t, "start node1 | claim:x")
	id := ID{"w", 1}
	err := q.Change(id, func(a Action) (Progress, error) {
		return a.Progress.Fail(a.Progress.Claim(), Usual().Judge(a, errors.New("no"), t0))
	})
	if err != nil {
		t.Fatal(err)
	}
	for skew, want := range map[time.Duration]string{
		0: "a=delay", time.Second: "a=delay", time.Hour: "a=due", -time.Hour: "a=due", -time.Minute: "a=due",
	} {
		in := input(t, "")
		in.Now = t0.Add(skew)
		if got := told(q.Due(in)); got != want {
			t.Errorf("%s off: %s, want %s", skew, got, want)
		}
	}
}

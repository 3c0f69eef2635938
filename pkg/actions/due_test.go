package actions

import (
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func TestDue(t *testing.T) {
	for _, c := range []struct{ name, status, queue, want string }{
		{"true", "m1=running", "start node1 when m1 running", "a=due"},
		{"not true", "m1=stopped", "start node1 when m1 running", "a=trigger"},
		{"stale", "m1=running?", "start node1 when m1 running", "a=trigger"},
		{"never seen", "", "start node1 when m1 running", "a=trigger"},
		{"without a trigger", "", "launch m1", "a=due"},
		{"absent is a state", "m1=absent", "launch m1 when m1 absent", "a=due"},
		{"isolated", "m1=running isolated", "start node1 when m1 running", "a=isolated"},
		{"service", "node1@m1=running", "restart node2 when-service m1 running", "a=due"},
		{"one service of two", "node1@m1=running node3@m1=ER0003", "restart node2 when-service m1 running", "a=trigger"},
		{"stale service", "node1@m1=running?", "restart node2 when-service m1 running", "a=trigger"},
		{"of two machines at an ip the one that is there", "m1/i-1=terminated m1/i-2=running", "start node1 when m1 running", "a=due"},

		{"plan in order", "m1=running", "start node1 plan=p\nstart node2 plan=p", "a=due b=after"},
		{"plan goes on", "m1=running", "start node1 plan=p | claim:x finish:x\nstart node2 plan=p", "b=due"},
		{"plan waits for what runs", "", "start node1 plan=p | claim:x\nstart node2 plan=p", "a=running b=after"},
		{"plan waits for what failed", "", "start node1 plan=p | park\nstart node2 plan=p", "a=failed b=after"},
		{"plan ends with what was cancelled", "", "start node1 plan=p | cancel\nstart node2 plan=p", "b=after>cancel"},
		{"plans side by side", "", "start node1 plan=p\nstart node2 plan=q", "a=due b=due"},
		{"after", "", "start node1\nstart node2 after=a", "a=due b=after"},
		{"after done", "", "start node1 | claim:x finish:x\nstart node2 after=a", "b=due"},
		{"after cancelled", "", "start node1 | cancel\nstart node2 after=a", "b=after>cancel"},
		{"after what nobody knows", "", "start node1 after=z", "a=after"},

		{"expired", "m1=stopped", "start node1 when m1 running age=25h", "a=expired>park"},
		{"expired though due", "m1=running", "start node1 when m1 running age=25h", "a=expired>park"},
		{"put off", "", "start node1 not_before=1m", "a=delay"},
		{"put off until now", "", "start node1 age=1m not_before=1m", "a=due"},

		{"bound", "m1/i-1=running", "start node1 when m1 running bound=i-1", "a=due"},
		{"bound to another", "m1/i-2=running", "start node1 when m1 running bound=i-1", "a=gone>park"},
		{"bound to one that is gone", "m1/i-1=terminated", "start node1 when m1 running bound=i-1", "a=gone>park"},
		{"bound to one thought gone", "m1/i-1=terminated?", "start node1 when m1 running bound=i-1", "a=trigger"},
		{"bound to one not seen", "m2=running", "start node1 when m1 running bound=i-1", "a=trigger"},
		{"terminate what is gone", "m1/i-1=terminated", "terminate m1 bound=i-1", "a=due"},

		{"one at a time at a service", "node1@m1=running", "stop node1\nstart node1", "a=due b=lock"},
		{"services of a machine side by side", "node1@m1=running node2@m1=running", "start node1\nstart node2", "a=due b=due"},
		{"the machine alone", "m1=running node1@m1=running", "stop m1\nstart node1", "a=due b=lock"},
		{"packages alone on a machine", "node1@m1=running node2@m1=running", "bootstrap_ncc node1\nbootstrap_ncc node2", "a=due b=lock"},
		{"packages on two machines", "node1@m1=running node2@m2=running", "bootstrap_ncc node1\nbootstrap_ncc node2", "a=due b=due"},
		{"what runs has the lock", "node1@m1=running", "stop node1 | claim:x\nstart node1", "a=running b=lock"},
		{"what was cancelled at work has the lock", "node1@m1=running", "stop node1 | claim:x cancel\nstart node1", "b=lock"},
		{"and gives it back", "node1@m1=running", "stop node1 | claim:x cancel stop:x\nstart node1", "b=due"},
		{"who waits for a machine is not overtaken", "m1=running node1@m1=running node2@m1=running", "start node1 | claim:x\nstop m1\nstart node2", "a=running b=lock c=lock"},
		{"everything", "node1@m1=running", "start node1 | claim:x\nstop all", "a=running b=lock"},
		{"an unknown machine by its trigger", "", "stop m1\nstart node1 when m1 running", "a=due b=trigger"},
		{"the oldest first", "", "start node1\nstart node1 age=1h", "b=due a=lock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := scene(t, c.queue)
			if got := told(q.Due(input(t, c.status))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What came first was pruned where nobody knew of what comes after it: that is
// parked once, and runs if somebody says so.
func TestForgottenPredecessor(t *testing.T) {
	q := scene(t, "start node1\nstart node2 after=a")
	delete(q.actions, lettered("a"))
	in := input(t, "")
	if got := told(q.Due(in)); got != "b=after>park" {
		t.Error(got)
	}
	q.Settle(q.Due(in), in)
	if err := q.Change(lettered("b"), func(a Action) (Progress, error) { return a.Progress.Retry(t0) }); err != nil {
		t.Fatal(err)
	}
	if got := told(q.Due(in)); got != "b=due" {
		t.Error(got)
	}
}

// Who works under a lease that does not count keeps the action from starting
// anew, until he is seen to be silent.
func TestDueWaitsForOldOwner(t *testing.T) {
	q := Merge(scene(t, "start node1 | claim:a beat:a"), scene(t, "start node1 | claim:z fail:z"))
	in := input(t, "")
	r := q.Due(in)
	if told(r) != "a=running" || r.Verdicts[0].State != Waiting || r.Verdicts[0].Reason != "somebody may still be at work on it under a lease that does not count any more" {
		t.Errorf("%+v", r)
	}
	in.Leases = in.Leases.Observe("d", q, boot("boot", 0), 0)
	in.Clock = boot("boot", 45)
	if got := q.Settle(q.Due(in), in); len(got) != 1 || got[0].Move != MoveLapse || told(q.Due(in)) != "a=due" {
		t.Errorf("%v, then %s", got, told(q.Due(in)))
	}
	if a, _ := q.Get(lettered("a")); a.Progress.Failure.Err != "no" {
		t.Errorf("its silence was taken for a failure: %+v", a.Progress.Failure)
	}
}

// Settle leaves nothing to settle, and says what it did.
func TestSettle(t *testing.T) {
	q := scene(t, `
		start node1 plan=p | cancel
		start node2 plan=p
		start node3 after=b
		start node4 when m1 running age=25h
		start node5`)
	in := input(t, "m1=stopped")
	done := q.Settle(q.Due(in), in)
	if len(done) != 2 {
		t.Errorf("settled %v", done)
	}
	q.Settle(q.Due(in), in)
	if got, want := states(q), "d=failed a=cancelled b=cancelled c=cancelled e=waiting"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := q.Settle(q.Due(in), in); len(again) != 0 {
		t.Errorf("settled again: %v", again)
	}
	d, _ := q.Get(lettered("d"))
	want := "it waited until 2026-11-21 08:00:00Z: waits for 10.0.0.1 to be running: stopped, seen 2026-11-21 09:00:00Z"
	if d.Progress.Failure.Err != want {
		t.Errorf("parked with %q", d.Progress.Failure.Err)
	}
}

// A retried action is given its time anew.
func TestRetryRenewsExpiry(t *testing.T) {
	q := scene(t, "start node1 when m1 running age=25h | park")
	if err := q.Change(ID{"w", 1}, func(a Action) (Progress, error) { return a.Progress.Retry(t0) }); err != nil {
		t.Fatal(err)
	}
	in := input(t, "m1=stopped")
	if got := told(q.Due(in)); got != "a=trigger" {
		t.Error(got)
	}
	in.Now = t0.Add(24*time.Hour + time.Second)
	if got := told(q.Due(in)); got != "a=expired>park" {
		t.Error(got)
	}
}

// A machine that somebody stops after its plan started it parks the plan, once
// this manager has looked since it was started.
func TestStoppedOnPurpose(t *testing.T) {
	const queue = `
		start m1 plan=p | claim:x finish:x
		start node1 when m1 running plan=p
		start m2 | claim:x finish:x
		start node2 when m2 running after=c
		start node3 when m1 running`
	q := scene(t, queue)
	in := input(t, "m1=stopped m2=stopping")
	if got := told(q.Due(in)); got != "b=trigger d=trigger e=trigger" {
		t.Errorf("a look from before: %s", got)
	}
	in.Began = scene(t, strings.Replace(queue, " | claim:x finish:x", "", 1))
	if got := told(q.Due(in)); got != "b=trigger d=stopped>park e=trigger" {
		t.Errorf("a look from before the first: %s", got)
	}
	in.Began = q
	if got := told(q.Due(in)); got != "b=stopped>park d=stopped>park e=trigger" {
		t.Errorf("a look from after: %s", got)
	}
	in.Status = status(t, "m1=unreachable m2=stopped?")
	if got := told(q.Due(in)); got != "b=trigger d=trigger e=trigger" {
		t.Errorf("not seen stopped: %s", got)
	}
}

func TestHolds(t *testing.T) {
	const queue = `
		start node1
		start node2
		stop m1
		start node3
		stop all`
	const entries = "m1=running m2=running node1@m1=running node2@m1=running node3@m2=running"
	for _, c := range []struct{ cluster, group, want string }{
		{"prod", "node1", "b=due d=due a=hold c=hold e=hold"},
		{"", "node1", "b=due d=due a=hold c=hold e=hold"},
		{"prod", "m1", "d=due a=hold b=hold c=hold e=hold"},
		{"prod", "10.0.0.2", "a=due b=due c=lock d=hold e=hold"},
		{"prod", "all", "a=hold b=hold c=hold d=hold e=hold"},
		{"", "all", "a=hold b=hold c=hold d=hold e=hold"},
		{"prod", "prod", "a=hold b=hold c=hold d=hold e=hold"},
		{"", "prod", "a=hold b=hold c=hold d=hold e=hold"},
		{"dev", "all", "a=due b=due d=due c=lock e=lock"},
		{"dev", "dev", "a=due b=due d=due c=lock e=lock"},
	} {
		q := scene(t, queue)
		h, err := q.Hold("w", Hold{Cluster: c.cluster, Group: c.group, Reason: "work", By: Asker{Who: "ann"}, At: t0, Until: t0.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		in := input(t, entries)
		if got := told(q.Due(in)); got != c.want {
			t.Errorf("%s/%s: got  %s\nwant %s", c.cluster, c.group, got, c.want)
		}
		in.Now = t0.Add(time.Hour)
		if got := told(q.Due(in)); strings.Contains(got, "hold") {
			t.Errorf("%s/%s runs on: %s", c.cluster, c.group, got)
		}
		in.Now = t0
		if got := q.Release("", c.group, t0); len(got) != 1 || got[0].ID != h.ID || strings.Contains(told(q.Due(in)), "hold") {
			t.Errorf("%s/%s released: %v, then %s", c.cluster, c.group, got, told(q.Due(in)))
		}
	}
}

// The reasons are for people.
func TestReasons(t *testing.T) {
	in := input(t, "m2=running? node1@m2=ER0003")
	in.Status.Instances = append(in.Status.Instances, heartbeat.Instance{
		Cluster: "prod", ID: "m1", IP: ipOf(t, "m1"), State: heartbeat.Unreachable, Reason: "nothing answered within 3s", At: t0,
	})
	q := scene(t, `
		start node1 when m1 running
		start node1 when m2 running
		start node1 when-service m2 running
		start node1 after=a
		start node1 | claim:ops1
		start node1
		start node1 | claim:ops1 give-up:ops1
		start node1 after=g
		start node9`)
	if _, err := q.Hold("h", Hold{Group: "node9", Reason: "backup", By: Asker{Who: "ann"}, At: t0}); err != nil {
		t.Fatal(err)
	}
	r := q.Due(in)
	for l, want := range map[string]string{
		"a": "waits for 10.0.0.1 to be running: unreachable (nothing answered within 3s), seen 2026-11-21 09:00:00Z",
		"b": "waits for 10.0.0.2 to be running: it was running when it was last seen, 2026-11-21 09:00:00Z",
		"c": "waits for 10.0.0.2 to be running: node1 is Database communication failure, seen 2026-11-21 09:00:00Z",
		"d": "waits for w.1, which is waiting",
		"e": "ops1 is at work on it since 2026-11-21 09:00:00Z",
		"f": "waits for w.5 to be through with service node1",
		"g": "never",
		"h": "waits for w.7, which failed: never",
		"i": "node9 is held by ann: backup",
	} {
		if v, ok := r.Of(lettered(l)); !ok || v.Reason != want {
			t.Errorf("%s: %q\nwant %q", l, v.Reason, want)
		}
	}
}

package cloudtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
)

// Make returns a driver of three machines m1, m2 and m3, none of which is
// launched, for one test. What has to be released is for t.Cleanup.
type Make func(t *testing.T) cloud.Driver

// Run checks everything the Driver interface promises, one subtest a promise.
func Run(t *testing.T, fresh Make) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, cloud.Driver)
	}{
		{"has a known name", knownName},
		{"lists every machine in order", listsAll},
		{"a listing is the caller's own", callersOwn},
		{"an unknown machine is an error", unknownMachine},
		{"a life, or a refusal", life},
		{"a change of what is so does nothing", idempotent},
		{"an address that nobody has", nobodysAddress},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

// patience is how long a machine may take to change its state.
const patience = 30 * time.Second

func knownName(t *testing.T, d cloud.Driver) {
	if !slices.Contains(cloud.Drivers(), d.Name()) {
		t.Errorf("%s is none of %v", d.Name(), cloud.Drivers())
	}
}

func list(t *testing.T, d cloud.Driver) []cloud.Instance {
	t.Helper()
	l, err := d.Instances(t.Context())
	if err != nil || !l.Complete || len(l.Instances) != 3 {
		t.Fatalf("listing %+v, error %v; want three machines, complete", l, err)
	}
	return l.Instances
}

func listsAll(t *testing.T, d cloud.Driver) {
	for n, i := range list(t, d) {
		if want := []string{"m1", "m2", "m3"}[n]; i.Name != want || i.ID == "" || !i.IP.IsValid() || i.Stale {
			t.Errorf("entry %d is %+v, want %s", n, i, want)
		}
		one, err := d.Instance(t.Context(), i.Name)
		if err != nil || one.ID != i.ID || one.State != i.State || one.IP != i.IP {
			t.Errorf("asked for alone it is %+v (%v), listed %+v", one, err, i)
		}
	}
}

func callersOwn(t *testing.T, d cloud.Driver) {
	list(t, d)[0].ID = "changed"
	if list(t, d)[0].ID == "changed" {
		t.Error("a change of the listing is in the next one")
	}
}

// verb is one of the changes of power.
type verb struct {
	name string
	do   func(context.Context, string) (cloud.Instance, error)
}

func verbs(d cloud.Driver) []verb {
	return []verb{{"launch", d.Launch}, {"start", d.Start}, {"stop", d.Stop}, {"terminate", d.Terminate}}
}

func unknownMachine(t *testing.T, d cloud.Driver) {
	for _, v := range append(verbs(d), verb{"look at", d.Instance}) {
		if _, err := v.do(t.Context(), "nosuch"); err == nil || !strings.Contains(err.Error(), "cannot "+v.name+" instance nosuch") {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

// refuses tells whether the driver changes no power; then all changes must be
// refused, in words.
func refuses(t *testing.T, d cloud.Driver) bool {
	t.Helper()
	refusals := 0
	for _, v := range []verb{{"start", d.Start}, {"stop", d.Stop}, {"terminate", d.Terminate}} {
		_, err := v.do(t.Context(), "m1")
		var refused *cloud.Refused
		if errors.As(err, &refused) {
			refusals++
			if refused.Gate == "" || strings.ContainsAny(refused.Gate, " ") || refused.Verb != v.name || refused.Name != "m1" || refused.Driver != d.Name() {
				t.Errorf("the refusal is %+v", refused)
			}
		}
	}
	if refusals == 0 {
		return false
	}
	_, err := d.Launch(t.Context(), "m1")
	var refused *cloud.Refused
	if refusals != 3 || !errors.As(err, &refused) {
		t.Errorf("some changes are refused, some are not: launch says %v", err)
	}
	return true
}

// until asks for the machine until it is in the state.
func until(t *testing.T, d cloud.Driver, name, state string) cloud.Instance {
	t.Helper()
	var i cloud.Instance
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if i, err = d.Instance(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if i.State == state {
			return i
		}
	}
	t.Fatalf("%s stays %s, want %s", name, i.State, state)
	return i
}

// must does a change and returns the instance after it.
func must(t *testing.T, d cloud.Driver, n int, state string) cloud.Instance {
	t.Helper()
	v := verbs(d)[n]
	if _, err := v.do(t.Context(), "m2"); err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	return until(t, d, "m2", state)
}

func life(t *testing.T, d cloud.Driver) {
	if refuses(t, d) {
		return
	}
	if i := list(t, d)[1]; i.State != cloud.StateAbsent || i.ID != "m2" {
		t.Errorf("before its launch it is %+v", i)
	}
	var notNow *cloud.NotNow
	if _, err := d.Start(t.Context(), "m2"); !errors.As(err, &notNow) || notNow.Passing() {
		t.Errorf("start of what is not launched: %v", err)
	}
	first := must(t, d, 0, cloud.StateRunning)
	if first.ID == "m2" || first.Name != "m2" {
		t.Errorf("launched it is %+v", first)
	}
	if i := list(t, d)[1]; i.ID != first.ID || i.State != cloud.StateRunning {
		t.Errorf("listed %+v, want %+v", i, first)
	}
	for _, step := range []struct {
		verb  int
		state string
	}{{2, cloud.StateStopped}, {1, cloud.StateRunning}} {
		if i := must(t, d, step.verb, step.state); i.ID != first.ID {
			t.Errorf("%s has made it another: %+v", verbs(d)[step.verb].name, i)
		}
	}
	if i := must(t, d, 3, cloud.StateAbsent); i.ID != "m2" {
		t.Errorf("terminated it is %+v", i)
	}
	if second := must(t, d, 0, cloud.StateRunning); second.ID == first.ID {
		t.Error("a launch after the end gives the dead instance")
	}
}

func idempotent(t *testing.T, d cloud.Driver) {
	if refuses(t, d) {
		return
	}
	for _, step := range []struct {
		verb  int
		state string
	}{{3, cloud.StateAbsent}, {0, cloud.StateRunning}, {1, cloud.StateRunning}, {2, cloud.StateStopped}, {3, cloud.StateAbsent}} {
		one := must(t, d, step.verb, step.state)
		two, err := verbs(d)[step.verb].do(t.Context(), "m2")
		if err != nil || two.ID != one.ID || two.State != one.State {
			t.Errorf("%s again: %+v (%v), before %+v", verbs(d)[step.verb].name, two, err, one)
		}
	}
}

func nobodysAddress(t *testing.T, d cloud.Driver) {
	moves, ok := d.(cloud.Addresses)
	if !ok {
		t.Fatalf("the driver %s says nothing of addresses", d.Name())
	}
	ip := list(t, d)[2].IP.Next()
	a, err := moves.Address(t.Context(), ip)
	var refused *cloud.Refused
	if errors.As(err, &refused) {
		if refused.Gate == "" || refused.Driver != d.Name() {
			t.Errorf("the refusal is %+v", refused)
		}
		return
	}
	if err != nil || a.IP != ip || a.Holder != "" || a.Name != "" {
		t.Errorf("%+v, %v; want that nobody has it", a, err)
	}
}

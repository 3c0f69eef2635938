package heartbeat

import (
	"errors"
	"strings"
	"testing"
)

const three = "a=running@1 b=running@2 c=running@3 n1:ok@1/w n2:ok@2/slave n3:ok@3/slave"

func TestHistories(t *testing.T) {
	dead := "a=unreachable@1! b=unreachable@2! c=unreachable@3! n1:ER0003@1! n2:ER0003@2! n3:ER0003@3!"
	tests := []struct {
		name  string
		looks []Look
		want  []string
	}{
		{"a first look tells nothing", []Look{look(three)}, []string{""}},
		{"nothing changed", []Look{look(three), look(three)}, []string{"", ""}},
		{
			"hosts reordered",
			[]Look{look(three), look("n3:ok@3/slave c=running@3 n1:ok@1/w b=running@2 n2:ok@2/slave a=running@1")},
			[]string{"", ""},
		},
		{
			"a machine dies and comes back",
			[]Look{look(three), look("a=running@1 b=running@2 c=unreachable@3! n1:ok@1/w n2:ok@2/slave n3:ER0003@3!"), look(three)},
			[]string{
				"", "c running>unreachable, n3 running>Database communication failure",
				"c unreachable>running, n3 Database communication failure>running",
			},
		},
		{"a service added", []Look{look("a=running@1"), look("a=running@1 n1:ok@1/w")}, []string{"", "n1 absent>running"}},
		{"a service removed", []Look{look("a=running@1 n1:ok@1/w"), look("a=running@1")}, []string{"", "n1 running>absent"}},
		{
			"a filter removes nothing",
			[]Look{look(three), look("b=running@2 n2:ER0001@2/slave", part), look(three)},
			[]string{"", "n2 running>SQL command failure", "n2 SQL command failure>running"},
		},
		{"a partial listing removes nothing", []Look{look(three), look("a=running@1", incomplete)}, []string{"", ""}},
		{
			"out of time is not down",
			[]Look{look(three), look("a=running@1 b@2? c@3? n1:ok@1/w n2:ER0003@2? n3:ER0003@3?"), look(three)},
			[]string{"", "", ""},
		},
		{
			"never seen is no difference when first seen",
			[]Look{look("a=running@1 b@2? n2:ER0003@2?"), look("a=running@1 b=running@2 n2:ok@2/slave")},
			[]string{"", ""},
		},
		{
			"a machine is launched, terminated and launched again",
			[]Look{
				look("db1=absent@1"), look("db1=absent@1"), look("i-1#db1=pending@1"), look("i-1#db1=running@1"),
				look("db1=absent@1"), look("db1=absent@1"), look("i-2#db1=running@1"),
			},
			[]string{"", "", "i-1 absent>pending", "i-1 pending>running", "i-1 running>absent", "", "i-2 absent>running"},
		},
		{
			"an instance in another's place",
			[]Look{look("i-1#db1=running@1"), look("i-2#db1=running@1")},
			[]string{"", "i-2 absent>running, i-1 running>absent"},
		},
		{
			"a filter sees a machine under its new id",
			[]Look{look("db1=absent@1 i-9#db9=running@9"), look("i-1#db1=running@1", part), look("i-1#db1=running@1 i-9#db9=running@9")},
			[]string{"", "i-1 absent>running", ""},
		},
		{
			"a provider that tells nothing, and only the name is known",
			[]Look{look("i-1#db1=running@1"), look("db1@1?", incomplete), look("i-1#db1=running@1")},
			[]string{"", "", ""},
		},
		{
			"a provider that tells nothing at first",
			[]Look{look("db1@1?", incomplete), look("i-1#db1=running@1"), look("i-1#db1=stopped@1")},
			[]string{"", "", "i-1 running>stopped"},
		},
		{
			"never seen, and then not launched",
			[]Look{look("db1@1?", incomplete), look("db1=absent@1"), look("i-1#db1=running@1")},
			[]string{"", "", "i-1 absent>running"},
		},
		{
			"the manager's own network is cut",
			[]Look{look(three), look(dead), look(dead), look(three)},
			[]string{"", "m seeing>isolated", "", "m isolated>seeing"},
		},
		{
			"two of three at once is isolation",
			[]Look{look(three), look("a=running@1 b=unreachable@2! c=unreachable@3! n1:ok@1/w n2:ER0003@2! n3:ER0003@3!")},
			[]string{"", "m seeing>isolated"},
		},
		{
			"one machine with most of the services is one host",
			[]Look{
				look("a=running@1 b=running@2 c=running@3 n1:ok@1 n2:ok@1 n3:ok@1 n4:ok@1"),
				look("a=unreachable@1! b=running@2 c=running@3 n1:ER0003@1! n2:ER0003@1! n3:ER0003@1! n4:ER0003@1!"),
			},
			[]string{"", "a running>unreachable, n1 running>Database communication failure, n2 running>Database communication failure, " +
				"n3 running>Database communication failure, n4 running>Database communication failure"},
		},
		{
			"dead one after another is not isolation",
			[]Look{
				look("a=running@1 b=running@2 c=running@3"), look("a=running@1 b=running@2 c=unreachable@3!"),
				look("a=running@1 b=unreachable@2! c=unreachable@3!"),
			},
			[]string{"", "c running>unreachable", "b running>unreachable"},
		},
		{
			"refused is an answer",
			[]Look{look("a=running@1 b=running@2"), look("a=unreachable@1 b=unreachable@2")},
			[]string{"", "a running>unreachable, b running>unreachable"},
		},
		{
			"a filtered look at a dead machine, the others answer",
			[]Look{look(three), look("c=unreachable@3! n3:ER0003@3!", part, vantage(1, Seen), vantage(2, Seen))},
			[]string{"", "c running>unreachable, n3 running>Database communication failure"},
		},
		{
			"a filtered look from a cut manager",
			[]Look{look(three), look("c=unreachable@3! n3:ER0003@3!", part, vantage(1, Silent), vantage(2, Silent))},
			[]string{"", "m seeing>isolated"},
		},
		{
			"a single host that dies is unreachable",
			[]Look{look("a=running@1 n1:ok@1/w"), look("a=unreachable@1! n1:ER0003@1!")},
			[]string{"", "a running>unreachable, n1 running>Database communication failure"},
		},
		{
			"the role of a failed database is the last known",
			[]Look{look("a=running@1 n1:ok@1/slave"), look("a=running@1 n1:ER0003@1"), look("a=running@1 n1:ok@1/slave")},
			[]string{"", "n1 running>Database communication failure", "n1 Database communication failure>running"},
		},
		{
			"a role change",
			[]Look{look("n1:ok@1/w n2:ok@2/slave"), look("n1:ok@1/slave n2:ok@2/w")},
			[]string{"", "n1 running>running master>slave, n2 running>running slave>master"},
		},
		{
			"two writable primaries",
			[]Look{look("n1:ok@1/w n2:ok@2/slave", primaries(1)), look("n1:ok@1/w n2:ok@2/w", primaries(1)), look("n1:ok@1/w n2:ok@2/slave")},
			[]string{"", "c consistent>two-primaries, n2 running>running slave>master", "c two-primaries>consistent, n2 running>running master>slave"},
		},
		{"two primaries as configured", []Look{look("n1:ok@1/w"), look("n1:ok@1/w n2:ok@2/w", primaries(2))}, []string{"", "n2 absent>running"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := history(t, tt.looks...)
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

// While isolated the entries keep what was known, marked stale, with its time.
func TestIsolatedIsStale(t *testing.T) {
	_, rec := history(t, look(three), look("a=unreachable@1! b=unreachable@2! c=running@3 n1:ER0003@1! n2:ER0003@2! n3:ok@3/slave"))
	for _, i := range rec.Status.Instances {
		if seen := i.ID == "c"; i.State != Running || i.Stale == seen || i.At.Equal(at(1)) == seen {
			t.Errorf("%+v", i)
		}
	}
	for _, v := range rec.Status.Services {
		if seen := v.Name == "n3"; v.Code != "000000" || v.Stale == seen || v.At.Equal(at(1)) == seen {
			t.Errorf("%+v", v)
		}
	}
}

func TestNeverSeenIsUnknown(t *testing.T) {
	_, rec := history(t, look("a@1? n1:ER0003@1?"))
	if i := rec.Status.Instances[0]; i.State != Unknown || !i.Stale || !i.At.IsZero() {
		t.Errorf("%+v", i)
	}
	if v := rec.Status.Services[0]; v.State != Unknown || !v.Stale || v.Code != "" {
		t.Errorf("%+v", v)
	}
}

// Two heartbeats that began from the same record: the second to be recorded
// compares with the first, and an older sight never overwrites a later one.
func TestRace(t *testing.T) {
	_, rec := history(t, look("a=running@1 b=running@2 c=running@3"))
	began := rec.Seq
	down := look("a=running@1 b=running@2 c=unreachable@3!", later(5))
	rec, first := rec.Beat(down, began, false)
	rec, second := rec.Beat(down, began, false)
	if told(first) != "c running>unreachable" || told(second) != "" {
		t.Errorf("got %q then %q", told(first), told(second))
	}
	rec, third := rec.Beat(look("a=running@1 b=running@2 c=running@3", later(4)), began, false)
	if told(third) != "" {
		t.Errorf("an older look told %q", told(third))
	}
	if len(rec.Undelivered) != 1 {
		t.Errorf("%d events kept, want 1", len(rec.Undelivered))
	}
}

// The id of an event depends on the difference alone: found again from the same
// record it is the same, found later again it is another.
func TestEventID(t *testing.T) {
	_, rec := history(t, look("a=running@1 b=running@2 c=running@3"))
	down := look("a=running@1 b=running@2 c=unreachable@3!", later(5))
	_, one := rec.Beat(down, rec.Seq, false)
	again := look("a=running@1 b=running@2 c=unreachable@3!", later(6))
	_, two := rec.Beat(again, rec.Seq, false)
	if one[0].ID != two[0].ID || len(one[0].ID) != 20 {
		t.Errorf("ids %q and %q of the same difference", one[0].ID, two[0].ID)
	}
	seen := map[string]bool{}
	for i := range 5 {
		var events []Event
		words := "a=running@1 b=running@2 c=running@3"
		if i%2 == 0 {
			words = "a=running@1 b=running@2 c=unreachable@3!"
		}
		rec, events = rec.Beat(look(words, later(10+i)), rec.Seq, false)
		for _, e := range events {
			if seen[e.ID] {
				t.Errorf("id %s twice", e.ID)
			}
			seen[e.ID] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d events, want 5", len(seen))
	}
}

func TestDelivered(t *testing.T) {
	_, rec := history(t, look("a=running@1 b=running@2 c=running@3"))
	rec, first := rec.Beat(look("a=running@1 b=running@2 c=unreachable@3!", later(5)), rec.Seq, false)
	rec, _ = rec.Beat(look("a=running@1 b=running@2 c=running@3", later(6)), rec.Seq, false)
	rec = rec.Delivered(first)
	if told(rec.Undelivered) != "c unreachable>running" {
		t.Errorf("left: %s", told(rec.Undelivered))
	}
}

func TestRecordRefusesWhatItCannotRead(t *testing.T) {
	for in, want := range map[string]string{
		`{"version":2}`: "newer", `{"seq":1}`: "no version", `{"version":1,"status":{"time":"x"}}`: "bad time", `{"version":1,"se`: "unexpected end",
	} {
		_, err := DecodeRecord([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
		if want == "newer" && !errors.Is(err, ErrNewer) {
			t.Errorf("%v is not ErrNewer", err)
		}
	}
}

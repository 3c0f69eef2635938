package heartbeat

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// hosts answer, so that the silence of one guard is not isolation.
const hosts = "h1=running@1 h2=running@2 h3=running@3 "

func TestVIPHistories(t *testing.T) {
	const (
		first  = hosts + "l1:ok@1/vip l2:ok@2/free"
		second = hosts + "l1:ok@1/free l2:ok@2/vip"
		both   = hosts + "l1:ok@1/vip l2:ok@2/vip"
		nobody = hosts + "l1:ER0003@1/free l2:ER0003@2/free"
		moved  = "l1 running>running master>slave, l2 running>running slave>master"
	)
	for _, tt := range []struct {
		name  string
		looks []string
		want  []string
	}{
		{"held by one", []string{first, first}, []string{"", ""}},
		{"moves", []string{first, second}, []string{"", moved}},
		{"held by both", []string{first, both, first}, []string{
			"", "10.0.0.100 consistent>vip-conflict, l2 running>running slave>master",
			"10.0.0.100 vip-conflict>consistent, l2 running>running master>slave",
		}},
		{"held by nobody", []string{first, nobody, first}, []string{
			"", "10.0.0.100 consistent>vip-unheld, l1 running>Database communication failure master>slave, l2 running>Database communication failure",
			"10.0.0.100 vip-unheld>consistent, l1 Database communication failure>running slave>master, l2 Database communication failure>running",
		}},
		{"the holder was not seen", []string{first, hosts + "l1:ER0002@1!/dark l2:ok@2/free", first}, []string{
			"", "l1 running>Remote manager communication failure", "l1 Remote manager communication failure>running",
		}},
		{"out of time", []string{first, hosts + "l1:ER0002@1?/dark l2:ok@2/free"}, []string{"", ""}},
		{"addresses not visible", []string{first, hosts + "l1:ok@1/dark l2:ok@2/free"}, []string{"", ""}},
		{"the holder is dead, the other took over", []string{first, "h1=unreachable@1! h2=running@2 h3=running@3 l1:ER0002@1!/dark l2:ok@2/vip"}, []string{
			"", "h1 running>unreachable, l1 running>Remote manager communication failure, l2 running>running slave>master",
		}},
		{"a third was not seen in a conflict", []string{first + " l3:ok@3/free", both + " l3:ER0002@3!/dark"}, []string{
			"", "10.0.0.100 consistent>vip-conflict, l2 running>running slave>master, l3 running>Remote manager communication failure",
		}},
		{"half a conflict seen is no end of it", []string{both, hosts + "l1:ok@1/vip l2:ER0002@2!/dark", first}, []string{
			"", "l2 running>Remote manager communication failure",
			"10.0.0.100 vip-conflict>consistent, l2 Remote manager communication failure>running master>slave",
		}},
		{"one seen ends that nobody has it", []string{nobody, hosts + "l1:ER0002@1!/dark l2:ok@2/vip"}, []string{
			"", "10.0.0.100 vip-unheld>consistent, l1 Database communication failure>Remote manager communication failure, " +
				"l2 Database communication failure>running slave>master",
		}},
		{"first looks that see too little", []string{hosts + "l1:ER0002@1!/dark l2:ok@2/free", nobody}, []string{
			"", "l1 Remote manager communication failure>Database communication failure na>slave, l2 running>Database communication failure",
		}},
		{"isolated", []string{first, "h1=unreachable@1! h2=unreachable@2! h3=unreachable@3! l1:ER0002@1!/dark l2:ER0002@2!/dark"}, []string{"", "m seeing>isolated"}},
		{"two services on one machine", []string{hosts + "l1:ok@1/vip l2:ok@1/vip", hosts + "l1:ok@1/vip l2:ok@1/vip"}, []string{"", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var looks []Look
			for _, words := range tt.looks {
				looks = append(looks, look(words))
			}
			got, _ := history(t, looks...)
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A look through a filter judges what it can: a conflict it sees is one, and what it
// left out may hold the address.
func TestVIPThroughAFilter(t *testing.T) {
	whole := look(hosts + "l1:ok@1/vip l2:ok@2/free")
	got, rec := history(t, whole, look("h2=running@2 l2:ok@2/free", part), look("l1:ok@1/free", part),
		look("l1:ok@1/free l2:ok@2/free", part), look("l1:ok@1/vip l2:ok@2/vip", part))
	want := []string{
		"", "", "l1 running>running master>slave", "10.0.0.100 consistent>vip-unheld",
		"10.0.0.100 vip-unheld>vip-conflict, l1 running>running slave>master, l2 running>running slave>master",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	c := rec.Status.Conditions[len(rec.Status.Conditions)-1]
	if c.Kind != VIPs || c.Reason != "held by l1, l2" || !c.Amiss() || rec.Status.Healthy() {
		t.Errorf("got %+v", c)
	}
}

// An address leaves with its guards, and only when all of them were looked at.
func TestVIPRemoved(t *testing.T) {
	got, _ := history(t, look(hosts+"l1:ok@1/vip"), look("l1:ok@1/slave", part), look(hosts+"l1:ok@1/slave", incomplete), look(hosts))
	want := []string{"", "l1 running>running master>slave", "", "10.0.0.100 consistent>absent, l1 running>absent"}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// While a guard is not seen, what was last seen of it is kept apart from the present.
func TestVIPOfTheUnseenIsStale(t *testing.T) {
	_, rec := history(t, look(hosts+"l1:ok@1/vip l2:ok@2/free"), look(hosts+"l1:ER0002@1?/dark l2:ok@2/free"))
	if v := rec.Status.Services[0]; !v.Stale || v.HoldsVIP == nil || !*v.HoldsVIP || v.VIP != netip.MustParseAddr("10.0.0.100") {
		t.Errorf("got %+v", v)
	}
}

// Nobody holds it is said only where every guard was seen without it, in this look.
func TestVIPIsNeverJudgedBlindly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rec Record
		for range rapid.IntRange(1, 5).Draw(t, "looks") {
			l := anyLook(t)
			seen := map[string]*bool{}
			for _, v := range l.Services {
				if v.Sight == Seen {
					seen[v.Name] = v.HoldsVIP
				}
			}
			next, events := rec.Beat(l, rec.Seq, true)
			for _, e := range events {
				if e.Key.Kind != VIPs || e.Is.State != VIPUnheld {
					continue
				}
				for _, v := range next.Status.Services {
					if holds := seen[v.Name]; v.VIP.IsValid() && (holds == nil || *holds) {
						t.Fatalf("%v, though of %s is known %v", e, v.Name, holds)
					}
				}
			}
			rec = next
		}
	})
}

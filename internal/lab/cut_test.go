package lab_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/clmgr/clmgr/internal/lab"
)

// reach is who hears whom: "1>2" where m1 gets an answer from sshd of m2, "h" for host.
// Machines listen on port 2222 too, marked ', so that a cut of one port can be told.
func reach(t *testing.T, l *lab.Lab) string {
	t.Helper()
	var g errgroup.Group
	var mu sync.Mutex
	var found []string
	ask := func(path string, answers func() (bool, error)) {
		g.Go(func() error {
			yes, err := answers()
			if yes {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, path)
			}
			return err
		})
	}
	for _, to := range l.Machines() {
		ask("h>"+to.Name()[1:], func() (bool, error) { return sees(to), nil })
		for _, from := range l.Machines() {
			if from != to {
				path := from.Name()[1:] + ">" + to.Name()[1:]
				ask(path, func() (bool, error) { return hears(t.Context(), from, to, "22") })
				ask(path+"'", func() (bool, error) { return hears(t.Context(), from, to, "2222") })
			}
		}
	}
	must(t, g.Wait())
	slices.Sort(found)
	return strings.Join(found, " ")
}

const whole = "1>2 1>2' 1>3 1>3' 2>1 2>1' 2>3 2>3' 3>1 3>1' 3>2 3>2' h>1 h>2 h>3"

func testCuts(t *testing.T, l *lab.Lab) {
	for _, m := range l.Machines() {
		run(t, m, "echo Port 22 >/etc/ssh/sshd_config.d/p.conf; echo Port 2222 >>/etc/ssh/sshd_config.d/p.conf; systemctl restart ssh")
	}
	if got := reach(t, l); got != whole {
		t.Fatalf("before any cut: %s", got)
	}
	for _, c := range []struct {
		cut  lab.Cut
		want string
	}{
		{lab.Cut{From: []string{"m1", "m2"}, To: []string{"m3"}}, "1>2 1>2' 2>1 2>1' h>1 h>2 h>3"},
		{lab.Cut{From: []string{"m3"}}, "1>2 1>2' 2>1 2>1' h>1 h>2"},
		{lab.Cut{From: []string{"m3"}, Link: true}, "1>2 1>2' 2>1 2>1' h>1 h>2"},
		{lab.Cut{From: []string{lab.Host}}, strings.TrimSuffix(whole, " h>1 h>2 h>3")},
		{
			lab.Cut{From: []string{"m2"}, To: []string{"m1"}, Port: 2222},
			strings.Replace(whole, " 2>1'", "", 1),
		},
	} {
		t.Run(c.cut.String(), func(t *testing.T) {
			undo, err := l.Cut(t.Context(), c.cut)
			must(t, err)
			if got := reach(t, l); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			must(t, undo(t.Context()))
			eventually(t, "the network whole again", func() bool { return reach(t, l) == whole })
		})
	}
	t.Run("one way", func(t *testing.T) { testOneWay(t, l) })
	t.Run("carrier", func(t *testing.T) { testCarrier(t, l) })
	t.Run("cuts add up", func(t *testing.T) { testTwoCuts(t, l) })
	t.Run("bad cuts", func(t *testing.T) {
		for _, c := range []lab.Cut{{}, {From: []string{"m9"}}, {From: []string{"m1"}, To: []string{"m9"}}, {From: []string{lab.Host}, Link: true}} {
			if _, err := l.Cut(t.Context(), c); err == nil {
				t.Errorf("%v was taken", c)
			}
		}
	})
}

// testOneWay counts what arrives: what m1 sends is lost, what m2 sends is not. Neither
// must have to ask for the other's hardware address first, since no answer would come.
func testOneWay(t *testing.T, l *lab.Lab) {
	one, two := l.Machine("m1"), l.Machine("m2")
	know := func(m, other *lab.Machine) {
		mac := run(t, other, "cat /sys/class/net/eth0/address")
		run(t, m, fmt.Sprintf("ip neigh replace %s lladdr %s dev eth0 nud permanent", other.IP(), mac))
		t.Cleanup(func() { _, _, _ = m.Run(background(t), "ip neigh del "+other.IP().String()+" dev eth0", nil) })
	}
	know(one, two)
	know(two, one)
	_, err := l.Cut(t.Context(), lab.Cut{From: []string{"m1"}, To: []string{"m2"}, OneWay: true})
	must(t, err)
	if arrives(t, one, two) {
		t.Error("a packet of m1 came through")
	}
	if !arrives(t, two, one) {
		t.Error("a packet of m2 was lost too")
	}
	must(t, l.Heal(t.Context()))
	if !arrives(t, one, two) {
		t.Error("healed, but a packet of m1 was lost")
	}
}

// arrives sends a datagram to a port where nobody listens, which the receiver counts.
func arrives(t *testing.T, from, to *lab.Machine) bool {
	t.Helper()
	const counter = "awk '/^Udp: [0-9]/ {print $3}' /proc/net/snmp"
	before := run(t, to, counter)
	run(t, from, "bash -c 'echo x >/dev/udp/"+to.IP().String()+"/9'")
	after := run(t, to, "for i in 1 2 3 4 5 6; do n=$("+counter+"); [ $n = "+before+" ] || break; sleep 0.05; done; echo $n")
	return after != before
}

// testCarrier tells a pulled cable, which the machine notices, from dropped packets, and
// finds it still pulled after the machine was off.
func testCarrier(t *testing.T, l *lab.Lab) {
	m := l.Machine("m3")
	carrier := func() string { return run(t, m, "cat /sys/class/net/eth0/carrier") }
	if _, err := l.Cut(t.Context(), lab.Cut{From: []string{"m3"}}); err != nil || carrier() != "1" {
		t.Errorf("dropping packets took the carrier: %v", err)
	}
	if _, err := l.Cut(t.Context(), lab.Cut{From: []string{"m3"}, Link: true}); err != nil || carrier() != "0" {
		t.Errorf("the cable is out and the carrier still there: %v", err)
	}
	must(t, errors.Join(m.Kill(t.Context()), m.PowerOn(t.Context())))
	if carrier() != "0" {
		t.Error("power plugged the cable in")
	}
	must(t, l.Heal(t.Context()))
	eventually(t, "the carrier", func() bool { return carrier() == "1" })
	must(t, m.WaitSSH(t.Context()))
}

// testTwoCuts undoes one of two equal cuts, from another handle than made it.
func testTwoCuts(t *testing.T, l *lab.Lab) {
	other, err := lab.Open(l.Name())
	must(t, err)
	c := lab.Cut{From: []string{lab.Host}, To: []string{"m1"}}
	undo, err := l.Cut(t.Context(), c)
	must(t, err)
	_, err = other.Cut(t.Context(), c)
	must(t, err)
	must(t, undo(t.Context()))
	if cuts, err := l.Cuts(); err != nil || len(cuts) != 1 || sees(l.Machine("m1")) {
		t.Errorf("one undo ended both: %v, %v", cuts, err)
	}
	must(t, other.Heal(t.Context()))
	eventually(t, "m1 again", func() bool { return sees(l.Machine("m1")) })
}

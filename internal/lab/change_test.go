package lab_test

import (
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/labtest"
)

// TestAddAndRemove changes a lab that is up, from several handles at once.
func TestAddAndRemove(t *testing.T) {
	l, ctx := labtest.Up(t, lab.Debian12(), "m1"), t.Context()
	base := l.HostIP().As4()
	ip := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{base[0], base[1], base[2], last}) }
	spec := func(name string) lab.Spec { return lab.Spec{Name: name, Image: lab.Debian12()} }

	var wg sync.WaitGroup
	for n, name := range []string{"a", "b", "c"} {
		wg.Go(func() {
			other, err := lab.Open(l.Name())
			if err == nil {
				_, err = other.Add(ctx, spec(name), ip(byte(5+100*n)))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l, err := lab.Open(l.Name())
	must(t, err)
	if len(l.Machines()) != 4 || l.Machine("c").IP() != ip(205) {
		t.Fatalf("after three were added: %d machines", len(l.Machines()))
	}
	for _, name := range []string{"a", "c"} {
		must(t, l.Machine(name).PowerOn(ctx))
		must(t, l.Machine(name).WaitSSH(ctx))
		if out, err := ssh(t, l, l.KnownHosts(), "root@"+l.Machine(name).IP().String(), "hostname"); err != nil || out != name {
			t.Errorf("ssh to %s: %s %v", name, out, err)
		}
	}
	run(t, l.Machine("a"), "echo mine >/root/note")
	if same, err := l.Add(ctx, spec("a"), ip(5)); err != nil || run(t, same, "cat /root/note") != "mine" {
		t.Errorf("adding it again: %v", err)
	}
	for want, try := range map[string]func() error{
		"the name is taken":    func() error { _, err := l.Add(ctx, spec("a"), ip(6)); return err },
		"a has the address":    func() error { _, err := l.Add(ctx, spec("d"), ip(5)); return err },
		"is no address":        func() error { _, err := l.Add(ctx, spec("d"), netip.MustParseAddr("10.0.0.1")); return err },
		"bad name":             func() error { _, err := l.Add(ctx, spec("../d"), ip(6)); return err },
		"remove machine ../..": func() error { return l.Remove(ctx, "../..") },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}

	for _, c := range []lab.Cut{{From: []string{"a"}}, {From: []string{"m1"}, To: []string{"a"}}, {From: []string{"m1", "a"}, To: []string{"b"}}} {
		_, err := l.Cut(ctx, c)
		must(t, err)
	}
	must(t, l.Remove(ctx, "a"))
	must(t, l.Remove(ctx, "a"))
	cuts, err := l.Cuts()
	must(t, err)
	if len(cuts) != 1 || cuts[0].String() != "m1 -/- b" {
		t.Errorf("cuts after a machine went: %v", cuts)
	}
	known, err := os.ReadFile(l.KnownHosts())
	must(t, err)
	if l.Machine("a") != nil || strings.Contains(string(known), ip(5).String()+" ") || sees(l.Machine("m1")) != true {
		t.Errorf("a removed machine is still known, or another one went with it:\n%s", known)
	}
	back, err := l.Add(ctx, spec("a"), ip(5))
	must(t, err)
	must(t, back.PowerOn(ctx))
	must(t, back.WaitSSH(ctx))
	if out := run(t, back, "cat /root/note || true"); out != "" {
		t.Errorf("the disk of a removed machine came back with %q", out)
	}
}

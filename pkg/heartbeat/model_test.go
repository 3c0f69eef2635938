package heartbeat

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// The tests write looks in a small language, one word an entry:
//
//	db1=running@1        instance db1 on 10.0.0.1
//	db1=unreachable@1!   the same, and nothing answered
//	db1@1?               not looked at
//	i-1#db1=running@1    the same, of which the provider says i-1
//	node10:ok@1          service node10, code 000000
//	node10:ER0003@1!     failed, nothing answered
//	node10:ok@1/slave    role seen
//	node10:ok@1/w        writable primary
//	lb1:ok@1/vip         guards 10.0.0.100 and holds it; free: does not; dark: not seen
func look(words string, opts ...func(*Look)) Look {
	l := Look{Cluster: "c", Whole: true, Complete: true, Status: Status{Manager: "m", At: at(1)}}
	for _, word := range strings.Fields(words) {
		l.add(word)
	}
	for _, o := range opts {
		o(&l)
	}
	for i := range l.Instances {
		l.Instances[i].At = l.At
	}
	for i := range l.Services {
		l.Services[i].At = l.At
	}
	return l
}

func (l *Look) add(word string) {
	name, rest, _ := strings.Cut(word, "@")
	rest, role, _ := strings.Cut(rest, "/")
	sight := Seen
	switch {
	case strings.HasSuffix(rest, "!"):
		sight = Silent
	case strings.HasSuffix(rest, "?"):
		sight = Blind
	}
	ip := netip.MustParseAddr("10.0.0." + strings.TrimRight(rest, "!?"))
	if name, code, ok := strings.Cut(name, ":"); ok {
		c := command.Code(code)
		if code == "ok" {
			c = command.OK
		}
		v := Service{Cluster: l.Cluster, Name: name, IP: ip, Mode: "mariadb", Code: c, State: c.Text(), Role: role, Sight: sight}
		switch role {
		case "w":
			v.Role, v.Writable = Master, true
		case "vip", "free", "dark":
			v.Mode, v.VIP = "keepalived", netip.MustParseAddr("10.0.0.100")
			v.Role = map[string]string{"vip": Master, "free": Slave}[role]
			if role != "dark" && sight == Seen {
				holds := role == "vip"
				v.HoldsVIP = &holds
			}
		}
		l.Services = append(l.Services, v)
		return
	}
	id, state, _ := strings.Cut(name, "=")
	id, name, given := strings.Cut(id, "#")
	if !given {
		name = id
	}
	l.Instances = append(l.Instances, Instance{Cluster: l.Cluster, ID: id, Name: name, IP: ip, State: state, Sight: sight})
}

func at(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }

func later(minute int) func(*Look) { return func(l *Look) { l.At = at(minute) } }
func part(l *Look)                 { l.Whole = false }
func incomplete(l *Look)           { l.Complete = false }
func primaries(n int) func(*Look)  { return func(l *Look) { l.Primaries = n } }

func vantage(ip int, s Sight) func(*Look) {
	return func(l *Look) {
		l.Vantage = append(l.Vantage, Vantage{netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", ip)), s})
	}
}

// told renders events in short: "db1 running>unreachable".
func told(events []Event) string {
	var out []string
	for _, e := range events {
		line := fmt.Sprintf("%s %s>%s", e.Key.Name, e.Was.State, e.Is.State)
		if e.Was.Role != e.Is.Role && e.Was.Role != "" && e.Is.Role != "" {
			line += fmt.Sprintf(" %s>%s", e.Was.Role, e.Is.Role)
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

// history records looks one after another and returns what each told.
func history(t *testing.T, looks ...Look) ([]string, Record) {
	t.Helper()
	var rec Record
	var out []string
	for i, l := range looks {
		if l.At.Equal(at(1)) {
			later(i + 1)(&l)
			for j := range l.Instances {
				l.Instances[j].At = l.At
			}
			for j := range l.Services {
				l.Services[j].At = l.At
			}
		}
		next, events := rec.Beat(l, rec.Seq, false)
		b, err := next.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if rec, err = DecodeRecord(b); err != nil {
			t.Fatal(err)
		}
		out = append(out, told(events))
	}
	return out, rec
}

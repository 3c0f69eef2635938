package actions

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// A scene is told in words.
//
//	status  m1=running m2=stopped? m3/i-7=running node1@m1=ER0003 isolated
//	        machine mN is at 10.0.0.N; "?" marks it stale, "/ID" gives it another id than its name
//	queue   one action a line, the nth is w.n and called by the nth letter:
//	        start node1 when m1 running plan=p after=a,b bound=m1 age=2h not_before=1m | claim:x fail:x
//	        the level is instances for what is done to a machine; the story after "|" is that of play

func ipOf(t *testing.T, machine string) netip.Addr {
	t.Helper()
	ip, err := netip.ParseAddr("10.0.0." + strings.TrimPrefix(machine, "m"))
	if err != nil {
		t.Fatal(err)
	}
	return ip
}

func status(t *testing.T, words string) heartbeat.Status {
	t.Helper()
	s := heartbeat.Status{At: t0}
	for _, word := range strings.Fields(words) {
		if word == "isolated" {
			s.Conditions = append(s.Conditions, heartbeat.Condition{
				Cluster: "prod", Kind: heartbeat.Managers, Name: "mgr", State: heartbeat.Isolated, Reason: "all went silent",
			})
			continue
		}
		word, stale := strings.CutSuffix(word, "?")
		name, state, ok := strings.Cut(word, "=")
		if !ok {
			t.Fatalf("status word %q", word)
		}
		if service, machine, is := strings.Cut(name, "@"); is {
			code := command.Code(state)
			if state == "running" {
				code = command.OK
			}
			s.Services = append(s.Services, heartbeat.Service{
				Cluster: "prod", Name: service, IP: ipOf(t, machine), Code: code, State: code.Text(), Stale: stale, At: t0,
			})
			continue
		}
		name, id, other := strings.Cut(name, "/")
		if !other {
			id = name
		}
		s.Instances = append(s.Instances, heartbeat.Instance{
			Cluster: "prod", ID: id, Name: name, IP: ipOf(t, name), State: state, Stale: stale, At: t0,
		})
	}
	return s
}

// letter is what tests call the nth action of w.
func letter(id ID) string { return string(rune('a' + id.Seq - 1)) }

func lettered(s string) ID { return ID{"w", uint64(s[0]-'a') + 1} }

func scene(t *testing.T, lines string) *Queue {
	t.Helper()
	q := &Queue{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			q.put(actionIn(t, q, line))
		}
	}
	return q
}

func actionIn(t *testing.T, q *Queue, line string) Action {
	t.Helper()
	line, story, _ := strings.Cut(line, "|")
	words := strings.Fields(line)
	a := Action{
		ID: q.next("w"), Cluster: "prod", Created: t0, Expires: t0.Add(24 * time.Hour), Progress: play(t, story),
		Do: command.Command{Level: "services", Action: words[0], Group: words[1]},
	}
	if words[1][0] == 'm' {
		a.Do.Level = "instances"
	}
	for n := 2; n < len(words); n++ {
		key, value, _ := strings.Cut(words[n], "=")
		switch key {
		case "when":
			a.When = Trigger{IP: ipOf(t, words[n+1]), Kind: heartbeat.Instances, State: words[n+2]}
			n += 2
		case "when-service":
			a.When = Trigger{IP: ipOf(t, words[n+1]), Kind: heartbeat.Services, State: words[n+2]}
			n += 2
		case "plan":
			a.Plan = value
		case "bound":
			a.Instance = value
		case "after":
			for l := range strings.SplitSeq(value, ",") {
				a.After = append(a.After, lettered(l))
			}
		case "age":
			a.Created = t0.Add(-span0(t, value))
			a.Expires = a.Created.Add(24 * time.Hour)
		case "not_before":
			a.NotBefore = a.Created.Add(span0(t, value))
		default:
			t.Fatalf("word %q in %q", words[n], line)
		}
	}
	return a
}

func span0(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// input is a look at t0 by a manager that has watched for long enough.
func input(t *testing.T, words string) Input {
	t.Helper()
	return Input{
		Status: status(t, words), Now: t0, Clock: Instant{"boot", time.Hour}, Leases: Leases{Document: "d", Passed: true},
		Limits: Usual(), Words: UsualWords(),
	}
}

// told writes a report as "a=due b=after c=gone>park", the due ones first and in their order.
func told(r Report) string {
	var out []string
	for _, id := range r.Due {
		out = append(out, letter(id)+"=due")
	}
	for _, v := range r.Verdicts {
		if v.Due {
			continue
		}
		word := letter(v.ID) + "=" + v.Why
		if v.Then != "" {
			word += ">" + string(v.Then)
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

func states(q *Queue) string {
	var out []string
	for _, a := range q.All() {
		out = append(out, fmt.Sprintf("%s=%s", letter(a.ID), a.State()))
	}
	return strings.Join(out, " ")
}

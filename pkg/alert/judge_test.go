package alert

import (
	"testing"

	"github.com/clmgr/clmgr/pkg/command"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

func TestJudge(t *testing.T) {
	opens := func(s Severity) Judgement { return Judgement{Opens: s} }
	notice := func(s Severity) Judgement { return Judgement{Notice: s} }
	ends := Judgement{Ends: true}
	point := func(code command.Code, role string) heartbeat.Point {
		return heartbeat.Point{State: code.Text(), Code: code, Role: role}
	}
	state := func(s string) heartbeat.Point { return heartbeat.Point{State: s} }
	labels := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for _, c := range []struct {
		what    string
		kind    heartbeat.Kind
		was, is heartbeat.Point
		labels  map[string]string
		want    Judgement
	}{
		{"a machine that died", heartbeat.Instances, state("running"), state("unreachable"), nil, opens(Critical)},
		{"one that is back", heartbeat.Instances, state("unreachable"), state("running"), nil, ends},
		{"one that is gone", heartbeat.Instances, state("terminated"), state("absent"), nil, ends},
		{"one that stopped", heartbeat.Instances, state("running"), state("stopped"), nil, opens(Warning)},
		{"one that boots", heartbeat.Instances, state("stopped"), state("pending"), nil, Judgement{}},
		{"one that lets nobody in", heartbeat.Instances, state("running"), state("pending"), nil, opens(Warning)},
		{"one that stops", heartbeat.Instances, state("running"), state("stopping"), nil, Judgement{}},
		{"a service that is down", heartbeat.Services, point(command.OK, ""), point(command.DatabaseCommFailure, ""), nil, opens(Critical)},
		{"one that starts", heartbeat.Services, point(command.Stopped, ""), point(command.Starting, ""), nil, Judgement{}},
		{"one that runs", heartbeat.Services, point(command.Starting, ""), point(command.OK, ""), nil, ends},
		{"one that is no more", heartbeat.Services, point(command.OK, ""), state("absent"), nil, ends},
		{"a handover", heartbeat.Services, point(command.OK, "slave"), point(command.OK, "master"), nil, Judgement{Ends: true, Notice: Warning}},
		{"a role that is first seen", heartbeat.Services, point(command.OK, ""), point(command.OK, "master"), nil, ends},
		{"two primaries", heartbeat.Clusters, state("consistent"), state("two-primaries"), nil, opens(Critical)},
		{"one again", heartbeat.Clusters, state("two-primaries"), state("consistent"), nil, ends},
		{"an address on two", heartbeat.VIPs, state("consistent"), state("vip-conflict"), nil, opens(Critical)},
		{"isolation", heartbeat.Managers, state("seeing"), state("isolated"), nil, opens(Critical)},
		{"its end", heartbeat.Managers, state("isolated"), state("seeing"), nil, ends},
		{"a peer", heartbeat.Peers, state("running"), state("failed"), nil, opens(Critical)},
		{"a peer that is back", heartbeat.Peers, state("failed"), state("running"), nil, ends},
		{"a script", heartbeat.Scripts, state("1 event"), state("exit 7"), nil, opens(Warning)},
		{"a script that works", heartbeat.Scripts, state("1 event"), state("exit 0"), nil, ends},
		{"a line", heartbeat.Logs, state(""), state("matched"), labels("severity", "warning"), notice(Warning)},
		{"a line of no weight", heartbeat.Logs, state(""), state("matched"), labels("severity", "odd"), Judgement{}},
		{"a disk", heartbeat.Hosts, state("ok"), state("full"), labels("severity", "critical"), opens(Critical)},
		{"a disk that is well", heartbeat.Hosts, state("full"), state("ok"), labels("severity", "critical", "resolved", "true"), ends},
		{"a value", heartbeat.Metrics, state("1"), state("2"), nil, ends},
		{"a rule", heartbeat.Rules, state("x"), state("alerts"), labels("severity", "info"), notice(Info)},
		{"a rule that acts", heartbeat.Rules, state("x"), state("acts"), nil, Judgement{}},
		{"a rule that lasts", heartbeat.Rules, state("x"), state("alerts"), labels("severity", "info", "lasts", "true"), opens(Info)},
		{"a rule that is over", heartbeat.Rules, state("x"), state("over"), labels("severity", "info"), ends},
		{"a label over the table", heartbeat.Instances, state("running"), state("unreachable"), labels("severity", "info"), opens(Info)},
		{"a delivery", heartbeat.Alerts, state("delivering"), state("failing"), labels("severity", "critical"), Judgement{}},
	} {
		if got := Judge(heartbeat.Event{Key: heartbeat.Key{Kind: c.kind}, Was: c.was, Is: c.is, Labels: c.labels}); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

// What one rule says of two things is not about one.
func TestSubjectOfRules(t *testing.T) {
	e := heartbeat.Event{Key: heartbeat.Key{Cluster: "c", Kind: heartbeat.Rules, Name: "lag"}, Labels: map[string]string{"type": "services", "name": "node1"}}
	if got := Subject(e).Name; got != "lag: services node1" {
		t.Errorf("the subject is %q", got)
	}
	e.Key.Kind = heartbeat.Logs
	if Subject(e) != e.Key {
		t.Errorf("the subject is %v", Subject(e))
	}
}

package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// queued is an action as it is told.
type queued struct {
	ID       string `json:"id"`
	Level    string `json:"do_level"`
	Action   string `json:"do_action"`
	Group    string `json:"do_group"`
	State    string `json:"state"`
	Why      string `json:"why"`
	Reason   string `json:"reason"`
	Progress struct {
		Failure *struct {
			Error string `json:"error"`
			Times int    `json:"times"`
		} `json:"failure"`
	} `json:"progress"`
}

func (q queued) do() string { return q.Level + ":" + q.Action + ":" + q.Group }

// acted is one thing that a heartbeat did.
type acted struct {
	Do     string `json:"do"`
	ID     string `json:"id"`
	Move   string `json:"move"`
	Reason string `json:"reason"`
	State  string `json:"state"`
}

// beat is what a heartbeat told of the queue.
type beat struct {
	document
	Acted []acted `json:"acted"`
	Holds []struct {
		Group  string `json:"group"`
		Reason string `json:"reason"`
	} `json:"holds"`
	Queue struct {
		Failed  int `json:"failed"`
		Running int `json:"running"`
		Waiting int `json:"waiting"`
	} `json:"queue"`
}

func (b beat) empty() bool { return b.Queue.Failed+b.Queue.Running+b.Queue.Waiting == 0 }

// moves returns what a move was made with, in its order.
func (b beat) moves(move string) []string {
	var out []string
	for _, a := range b.Acted {
		if a.Move == move {
			out = append(out, a.Do)
		}
	}
	return out
}

func readBeat(t *testing.T, a answer) beat {
	t.Helper()
	var b beat
	if err := json.Unmarshal([]byte(a.stdout), &b); err != nil {
		t.Fatalf("exit code %d: %v in %s\n%s", a.code, err, a.stdout, a.stderr)
	}
	return b
}

// beat runs a heartbeat, which may find something not running.
func (m *manager) beat() beat {
	m.t.Helper()
	a := m.run("-o", "json", "instances", "heartbeat")
	if a.code != 0 && a.code != 3 {
		m.t.Fatalf("exit code %d\n%s\n%s", a.code, gist(a.stdout), a.stderr)
	}
	return readBeat(m.t, a)
}

// settle runs heartbeats until the queue is empty, and returns all that they did.
func (m *manager) settle() []acted {
	m.t.Helper()
	return m.until("the queue empty", beat.empty)
}

// until runs heartbeats until yes, and returns all that they did.
func (m *manager) until(what string, yes func(beat) bool) []acted {
	m.t.Helper()
	var all []acted
	end := time.Now().Add(atLast)
	for {
		b := m.beat()
		all = append(all, b.Acted...)
		if yes(b) {
			return all
		}
		if time.Now().After(end) {
			m.t.Fatalf("never seen: %s\n%s\n%s\n%+v", what, m.run("-o", "table", "actions", "list").stdout, gist(fmt.Sprint(b.Code, b.Reason)), all)
		}
		time.Sleep(glance)
	}
}

// actions lists actions.
func (m *manager) actions(args ...string) []queued {
	m.t.Helper()
	return readActions(m.t, m.run(append([]string{"-o", "json", "actions", "list"}, args...)...).want(m.t, 0))
}

func readActions(t *testing.T, a answer) []queued {
	t.Helper()
	var doc struct {
		Actions []queued `json:"actions"`
	}
	if err := json.Unmarshal([]byte(a.stdout), &doc); err != nil {
		t.Fatalf("exit code %d: %v in %s\n%s", a.code, err, a.stdout, a.stderr)
	}
	return doc.Actions
}

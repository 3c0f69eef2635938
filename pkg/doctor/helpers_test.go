package doctor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/doctor"
	"github.com/clmgr/clmgr/pkg/eventlog"
	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// noon is when the events of the tests begin.
var noon = time.Date(2020, 11, 21, 12, 0, 0, 0, time.UTC)

// site is a folder with a log, scripts and what they were given.
type site struct {
	folder string
	log    *eventlog.Log
}

func newSite(t *testing.T, opts eventlog.Options) site {
	t.Helper()
	return siteIn(t.TempDir(), opts)
}

func siteIn(folder string, opts eventlog.Options) site {
	log, err := eventlog.Open(filepath.Join(folder, "state"), opts)
	if err != nil {
		panic(err)
	}
	return site{folder, log}
}

func (s site) path(name string) string { return filepath.Join(s.folder, name) }

// doctor returns one for the scripts of those names.
func (s site) doctor(timeout time.Duration, scripts ...string) *doctor.Doctor {
	for i := range scripts {
		scripts[i] = s.path(scripts[i])
	}
	return doctor.New(doctor.Options{
		Scripts: scripts, Timeout: timeout, Dir: s.path("state/doctor"), Log: s.log, Manager: "m1",
		Mask: func(text string) string { return strings.ReplaceAll(text, "canary", "xxx") },
	})
}

// script writes a script of sh; $got is where it puts what it was given.
func (s site) script(t *testing.T, name, body string) {
	t.Helper()
	s.write(t, name, fmt.Sprintf("#!/bin/sh\nfolder='%s' got='%s.got'\n%s\n", s.folder, s.path(name), body), 0o755)
}

func (s site) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// take keeps what a script is given.
const take = `cat >> "$got"`

// event is the n-th event.
func event(n int) heartbeat.Event {
	return heartbeat.Event{
		ID: fmt.Sprint("e", n), Key: heartbeat.Key{Cluster: "c", Kind: heartbeat.Services, Name: "node1"},
		Was: heartbeat.Point{State: "running"}, Is: heartbeat.Point{State: "stopped"}, At: noon.Add(time.Duration(n) * time.Second),
	}
}

// add appends the events from, … to-1 to the log.
func (s site) add(t *testing.T, from, to int) {
	t.Helper()
	if err := s.addEvents(from, to); err != nil {
		t.Fatal(err)
	}
}

func (s site) addEvents(from, to int) error {
	var batch []eventlog.Entry
	for n := from; n < to; n++ {
		line, err := json.Marshal(event(n))
		if err != nil {
			return err
		}
		entry, err := eventlog.Parse(line)
		if err != nil {
			return err
		}
		batch = append(batch, entry)
	}
	ctx, cancel := timeLimit()
	defer cancel()
	return s.log.Append(ctx, noon, batch)
}

// documents are the ids of the events that a script was given, run by run. Each
// document must be one as a heartbeat prints it.
func (s site) documents(t *testing.T, name string) (runs []string) {
	t.Helper()
	text, err := os.ReadFile(s.path(name + ".got"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var list heartbeat.EventList
		if err := json.Unmarshal([]byte(line), &list); err != nil {
			t.Fatalf("%s was given %q: %v", name, line, err)
		}
		var ids []string
		for _, e := range list.Events {
			ids = append(ids, e.ID)
		}
		runs = append(runs, strings.Join(ids, " "))
	}
	return runs
}

func (s site) wantDocuments(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := s.documents(t, name); !slices.Equal(got, want) {
		t.Errorf("%s was given %q, want %q", name, got, want)
	}
}

// treat wants a Treat without an error, and returns what it tells.
func treat(t *testing.T, d *doctor.Doctor) []heartbeat.Event {
	t.Helper()
	told, err := d.Treat(t.Context(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// states are what the events say of each script.
func states(events []heartbeat.Event) (all []string) {
	for _, e := range events {
		all = append(all, filepath.Base(e.Key.Name)+": "+e.Was.State+": "+e.Is.State)
	}
	return all
}

func wantStates(t *testing.T, told []heartbeat.Event, want ...string) {
	t.Helper()
	if got := states(told); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// logged returns the events of scripts that are in the log.
func (s site) logged(t *testing.T) (all []heartbeat.Event) {
	t.Helper()
	for entry, err := range s.log.List(t.Context(), eventlog.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		var e heartbeat.Event
		if err := json.Unmarshal(entry.Line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Key.Kind == heartbeat.Scripts {
			all = append(all, e)
		}
	}
	return all
}

// number reads the process id that a script has written to a file.
func (s site) number(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive tells whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return state[0] != 'Z' && state[0] != 'X'
}

// endAfter ends a process that a script leaves behind.
func (s site) endAfter(t *testing.T, name string) {
	t.Cleanup(func() { _ = syscall.Kill(s.number(t, name), syscall.SIGKILL) })
}

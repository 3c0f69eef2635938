package send

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/alert"
)

// script writes a program of sh and returns its path.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgramIsGivenTheDocument(t *testing.T) {
	t.Setenv("CLMGR_SECRET", "hunter2")
	path := script(t, `cat >"$1"; printf '%s\n' "$2" >>"$1"; env >>"$1"`)
	file := filepath.Join(t.TempDir(), "got")
	s := newSite(t)
	s.mustAdd(t, event(1, true))
	if err := s.mustSender(t, Place{Name: "page", Program: []string{path, file, "$(id); * 'x'"}}).Turn(t.Context(), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line, rest, _ := strings.Cut(string(text), "\n")
	var doc map[string]any
	if err := json.Unmarshal([]byte(line), &doc); err != nil || doc["what"] != alert.Opened {
		t.Errorf("given %q (%v)", line, err)
	}
	if !strings.HasPrefix(rest, "$(id); * 'x'\n") || strings.Contains(rest, "hunter2") || !strings.Contains(rest, "PATH=") {
		t.Errorf("arguments and environment: %q", rest)
	}
}

// One that fails is tried again, and one that hangs is ended with all it has started.
func TestProgramThatFails(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]string{
		"echo the canary is ill >&2; exit 7": "exit status 7: the xxx is ill",
		"sleep 60 & wait":                    "no answer in time",
		"kill -TERM $$":                      "signal: terminated",
	} {
		sender := s.mustSender(t, Place{Name: "page", Program: []string{script(t, body)}})
		sender.opts.Timeout = 200 * time.Millisecond
		if !strings.Contains(body, "sleep") {
			sender.opts.Timeout = 20 * time.Second
		}
		tried, err := sender.Test(t.Context(), "")
		if err != nil || len(tried) != 1 || tried[0].Err == nil || !strings.Contains(tried[0].Err.Error(), want) || tried[0].Took > 15*time.Second {
			t.Errorf("%s: %+v (%v), want %q", body, tried, err, want)
		}
	}
	// Nor does one that leaves somebody behind keep us.
	sender := s.mustSender(t, Place{Name: "page", Program: []string{script(t, "sleep 20 &")}})
	if tried, err := sender.Test(t.Context(), ""); err != nil || tried[0].Err != nil || tried[0].Took > 15*time.Second {
		t.Errorf("%+v (%v)", tried, err)
	}
	sender = s.mustSender(t, Place{Name: "page", Program: []string{"/nowhere/page"}})
	if tried, err := sender.Test(t.Context(), ""); err != nil || tried[0].Err == nil {
		t.Errorf("%+v (%v)", tried, err)
	}
}

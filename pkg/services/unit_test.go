package services

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestUnitIsRead(t *testing.T) {
	got, err := readUnit("Up=100.50\nType=notify\nResult=success\nId=mariadb.service\nLoadState=loaded\n"+
		"ActiveState=active\nSubState=running\nInvocationID=abc\nStateChangeTimestampMonotonic=90000000\n", noon)
	want := UnitState{"mariadb.service", "loaded", "active", "running", "success", "notify", "abc", noon.Add(-10500 * time.Millisecond)}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A state that systemd gave no name is neither up nor down.
func FuzzUnit(f *testing.F) {
	f.Add("Up=100.50\nLoadState=loaded\nActiveState=active\nStateChangeTimestampMonotonic=90000000\n")
	f.Add("Up=1\nLoadState=not-found\nActiveState=inactive\nStateChangeTimestampMonotonic=9999999999999999999\n")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := readUnit(text, noon)
		if err == nil && (u.Active == "" || u.Up() && u.Down() || u.Since.After(noon)) {
			t.Errorf("%q gives %+v", text, u)
		}
	})
}

func TestEndingIsTheLastWholeLines(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "\n\n": "", "one": "one", "one\ntwo\n": "one\ntwo", "first line\nsecond\nend\n": "second\nend",
		strings.Repeat("long ", 9): "long long" + "…",
	} {
		if got := ending(text, 12); got != want {
			t.Errorf("%q ends %q, want %q", text, got, want)
		}
	}
}

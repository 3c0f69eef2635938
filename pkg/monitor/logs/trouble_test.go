package logs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clmgr/clmgr/pkg/heartbeat"
	"github.com/clmgr/clmgr/pkg/monitor/logs"
	"github.com/clmgr/clmgr/pkg/remote"
	"github.com/clmgr/clmgr/pkg/store"
)

// fileLoop is a loop over a file of this machine.
func fileLoop(t *testing.T, s store.Store, to *sink, path string) *logs.File {
	t.Helper()
	w := numbered("w", "")
	w.File = path
	return logs.NewFile(logs.Options{Manager: "mgr", Machine: remote.ThisHost(), Store: s, Key: testKey, Tell: to.tell, Mask: plain}, w)
}

// What cannot be read is told after a while, once, and that it can be read again too.
func TestBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		s, to := newStore(t), newSink()
		r := run(t, fileLoop(t, s, to, path))
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if told := to.all(); len(told) > 0 || r.beats.Load() < 29 {
			t.Errorf("told was %v, after %d beats", told, r.beats.Load())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.stop(t)
		blind := to.of(logs.Blind)
		if len(to.all()) != 1 || len(blind) != 1 || !strings.Contains(blind[0].Reason, "is not a file") || blind[0].Labels["internal"] != "true" {
			t.Fatalf("told was %v", to.all())
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("line 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r = run(t, fileLoop(t, s, to, path))
		time.Sleep(time.Minute)
		synctest.Wait()
		r.stop(t)
		seen := to.of(logs.Watching)
		if len(to.all()) != 2 || len(seen) != 1 || seen[0].Was.State != logs.Blind || seen[0].Labels["resolved"] != "true" {
			t.Errorf("told was %v", to.all())
		}
	})
}

// What is only short is not told at all.
func TestBlindForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		s, to := newStore(t), newSink()
		r := run(t, fileLoop(t, s, to, path))
		time.Sleep(20 * time.Second)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.stop(t)
		state, err := logs.ReadState(t.Context(), s, testKey)
		if err != nil || !state.Trouble.Since.IsZero() || len(to.all()) > 0 {
			t.Errorf("told was %v; stored is %+v, %v", to.all(), state, err)
		}
	})
}

// Who hangs while it tells does not beat.
func TestNoBeatsWhileTellingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		s, to := newStore(t), newSink()
		w := numbered("w", "")
		w.File = path
		release := make(chan struct{})
		o := logs.Options{Manager: "mgr", Machine: remote.ThisHost(), Store: s, Key: testKey, Mask: plain, Tell: func(ctx context.Context, e []heartbeat.Event) error {
			<-release
			return to.tell(ctx, e)
		}}
		r := run(t, logs.NewFile(o, w))
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := os.WriteFile(path, []byte("line 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		hung := r.beats.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		if r.beats.Load() != hung || hung < 60 {
			t.Errorf("%d beats, and %d while it hung", hung, r.beats.Load()-hung)
		}
		close(release)
		time.Sleep(time.Second)
		synctest.Wait()
		if r.beats.Load() == hung || len(to.of("numbered")) != 1 {
			t.Errorf("it does not go on: %v", to.all())
		}
		r.stop(t)
	})
}

// What was stored by a later clmgr, or is broken, is left alone.
func TestUnreadableState(t *testing.T) {
	for doc, want := range map[string]string{
		`{"version":2}`:                         "it is of version 2",
		`nonsense`:                              "cannot read " + testKey,
		`{"version":1,"watches":{"w":null}}`:    `nothing stands under "w"`,
		`{"version":1,"at":"s=1","watches":{}}`: `"s=1" is no place in a file`,
	} {
		s := newStore(t)
		if err := s.Update(t.Context(), testKey, "test", func([]byte) ([]byte, error) { return []byte(doc), nil }); err != nil {
			t.Fatal(err)
		}
		err := fileLoop(t, s, newSink(), "/nowhere/log").Run(t.Context(), func() {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", doc, err)
		}
		if got, err := s.Get(t.Context(), testKey); err != nil || string(got) != doc {
			t.Errorf("%s became %s, %v", doc, got, err)
		}
	}
}

// A store that cannot be written ends the loop: the daemon has to know.
func TestStoreThatFails(t *testing.T) {
	s := &full{Store: newStore(t)}
	err := fileLoop(t, s, newSink(), filepath.Join(t.TempDir(), "log")).Run(t.Context(), func() {})
	if !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "cannot watch ") {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("no space left on device")

// full is a store on a disk that is full.
type full struct{ store.Store }

func (f *full) Update(context.Context, string, string, func([]byte) ([]byte, error)) error {
	return errFull
}

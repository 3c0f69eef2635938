package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

// noon is when the events of the tests begin, long before any file is written.
var noon = time.Date(2020, 11, 21, 12, 0, 0, 0, time.UTC)

// event returns the n-th event of a source, a second after the one before.
func event(source string, n int) eventlog.Entry {
	at := noon.Add(time.Duration(n) * time.Second)
	entry, err := eventlog.Parse(fmt.Appendf(nil,
		`{"id":"%s-%d","cluster":"prod","ip":"10.0.0.1","name":"node1","type":"services","previous_state":"running","state":"stopped","previous_code":"000000","code":"ER0002","previous_status":"primary","status":"primary","time":%q}`,
		source, n, at.Format(time.RFC3339)))
	if err != nil {
		panic(err)
	}
	return entry
}

// events returns the events from, … to-1 of a source.
func events(source string, from, to int) (batch []eventlog.Entry) {
	for n := from; n < to; n++ {
		batch = append(batch, event(source, n))
	}
	return batch
}

func open(t testing.TB, folder string, opts eventlog.Options) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(folder, opts)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func add(t testing.TB, log *eventlog.Log, batch []eventlog.Entry) {
	t.Helper()
	if err := log.Append(t.Context(), noon, batch); err != nil {
		t.Fatal(err)
	}
}

// list returns the ids in the log and how many lines were unreadable.
func list(ctx context.Context, log *eventlog.Log, filter eventlog.Filter) (ids []string, bad int, err error) {
	for entry, err := range log.List(ctx, filter) {
		var unreadable *eventlog.Unreadable
		switch {
		case errors.As(err, &unreadable):
			bad += unreadable.Lines
		case err != nil:
			return ids, bad, err
		default:
			ids = append(ids, entry.ID)
		}
	}
	return ids, bad, nil
}

func ids(batch []eventlog.Entry) (ids []string) {
	for _, entry := range batch {
		ids = append(ids, entry.ID)
	}
	return ids
}

// wantList checks what a List yields, and that bad lines were unreadable.
func wantList(t *testing.T, log *eventlog.Log, filter eventlog.Filter, want []eventlog.Entry, bad int) {
	t.Helper()
	got, gotBad, err := list(t.Context(), log, filter)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, ids(want)) || gotBad != bad {
		t.Fatalf("List: %q and %d unreadable, want %q and %d", got, gotBad, ids(want), bad)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// wantFiles checks which files are in the log's folder, without the lock.
func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		if entry.Name() != "events.jsonl.lock" {
			got = append(got, strings.TrimPrefix(entry.Name(), "events.jsonl"))
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the files are %q, want %q", got, want)
	}
}

func live(folder string) string { return filepath.Join(folder, "events.jsonl") }

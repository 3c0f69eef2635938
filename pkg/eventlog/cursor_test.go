package eventlog

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"testing"
	"time"
)

// rotateNow does what Append does when the file is full.
func rotateNow(t *testing.T, log *Log, number int) {
	t.Helper()
	if err := os.Rename(log.live(), log.rotatedPath(number)); err != nil {
		t.Fatal(err)
	}
}

func appendNow(t *testing.T, log *Log, n int) string {
	t.Helper()
	entry := (&model{}).entry(n)
	if err := log.Append(context.Background(), time.Time{}, []Entry{entry}); err != nil {
		t.Fatal(err)
	}
	return string(entry.Line)
}

// wantLines checks the next lines under the cursor, and that there are no more.
func wantLines(t *testing.T, c *cursor, want ...string) {
	t.Helper()
	for _, text := range want {
		if line, whole, err := c.next(); err != nil || !whole || string(line) != text {
			t.Fatalf("next line is %q, %v (%v), want %q", line, whole, err, text)
		}
	}
	if line, _, err := c.next(); !errors.Is(err, io.EOF) {
		t.Fatalf("one line more: %q (%v)", line, err)
	}
}

// Between the moment when a reader has seen the end of the file and the moment
// when it sees that the file was rotated, the file may have grown.
func TestWrittenAndRotatedBehindTheEnd(t *testing.T) {
	log, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &cursor{log: log}
	defer c.close()
	wantLines(t, c, appendNow(t, log, 0))
	late := appendNow(t, log, 1)
	rotateNow(t, log, 1)
	next := appendNow(t, log, 2)
	if again, err := c.atEnd(); err != nil || !again {
		t.Fatalf("atEnd: %v (%v), want another look", again, err)
	}
	wantLines(t, c, late, next)
}

// Between the moment when a reader has listed the rotated files and the moment
// when it opens the live file, that may have become another.
func TestRotatedBeforeLiveIsOpened(t *testing.T) {
	log, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &cursor{log: log}
	defer c.close()
	first := appendNow(t, log, 0)
	rotateNow(t, log, 1)
	second := appendNow(t, log, 1)
	if opened, err := c.openLive(); err != nil || opened {
		t.Fatalf("openLive: %v (%v), though a rotated file comes first", opened, err)
	}
	wantLines(t, c, first, second)
}

func TestRepeatsForgetsTheOldest(t *testing.T) {
	var r repeats
	for n := range 3 * rememberedIDs {
		if !r.first(strconv.Itoa(n)) {
			t.Fatalf("%d is said to be a repeat", n)
		}
		if r.first(strconv.Itoa(max(0, n-rememberedIDs+1))) {
			t.Fatalf("at %d the oldest that should be known is not", n)
		}
	}
	if len(r.known) != rememberedIDs || len(r.order) != rememberedIDs {
		t.Errorf("%d and %d ids are kept", len(r.known), len(r.order))
	}
	if !r.first("0") {
		t.Error("what came first is still known")
	}
}

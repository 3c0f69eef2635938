package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestProcessesAppendAndRotateAtOnce(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, smallFiles)
	f := follow(t, log, eventlog.Filter{})
	const processes, batches = 4, 40
	results := make(chan error)
	for i := range processes {
		cmd := children.Command(t, "append", folder, fmt.Sprint("p", i), strconv.Itoa(batches))
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			results <- err
		}()
	}
	followed := f.take(t, processes*batches*3)
	for range processes {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	f.wantNoMore(t)
	listed, bad, err := list(t.Context(), log, eventlog.Filter{})
	if err != nil || bad > 0 {
		t.Fatalf("%d unreadable lines (%v)", bad, err)
	}
	if !slices.Equal(followed, listed) {
		t.Error("Follow and List do not agree")
	}
	for i := range processes {
		prefix := fmt.Sprintf("p%d-", i)
		mine := slices.DeleteFunc(slices.Clone(listed), func(id string) bool { return !strings.HasPrefix(id, prefix) })
		if want := ids(events(fmt.Sprint("p", i), 0, 3*batches)); !slices.Equal(mine, want) {
			t.Errorf("of process %d there is %q", i, mine)
		}
	}
	if files := len(glob(t, folder)); files < 10 {
		t.Errorf("only %d files: the test did not rotate enough", files)
	}
}

// A killed process starts again with the batch that was not acknowledged, as
// its successor would, while somebody follows.
func TestKillAtAnyMoment(t *testing.T) {
	folder := t.TempDir()
	log := open(t, folder, smallFiles)
	f := follow(t, log, eventlog.Filter{})
	stored, kills := 0, 30
	for range kills {
		cmd := children.Command(t, "append forever", folder, strconv.Itoa(stored))
		lines := children.Start(t, cmd)
		for range 1 + rand.IntN(5) {
			if lines.Scan() {
				stored = number(t, lines.Text())
			}
		}
		time.AfterFunc(rand.N(10*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			stored = number(t, lines.Text())
		}
		_ = cmd.Wait()
		got, _, err := list(t.Context(), log, eventlog.Filter{})
		if err != nil || len(got) < stored || len(got) > stored+5 || !slices.Equal(got, ids(events("a", 0, len(got)))) {
			t.Fatalf("%d are stored, but in the log there is (%v) %q", stored, err, got)
		}
	}
	t.Logf("%d kills, %d events, %d files", kills, stored, len(glob(t, folder)))
	add(t, log, events("a", stored, stored+5))
	// A write is cut short where it crosses a page, if the kill comes just then: at
	// most one torn line a kill, and its event again on the next one.
	got, torn, err := list(t.Context(), log, eventlog.Filter{})
	if want := ids(events("a", 0, stored+5)); err != nil || torn > kills || !slices.Equal(got, want) {
		t.Fatalf("List (%v): %d torn lines and %q, want %q", err, torn, got, want)
	}
	f.want(t, events("a", 0, stored+5))
	f.wantNoMore(t)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("the child says %q", text)
	}
	return n
}

// ownMounts lets the child mount what it likes: nobody else sees it and it is
// gone with the child. Who is not root becomes it in a namespace of his own.
func ownMounts(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	if uid := syscall.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: syscall.Getgid(), Size: 1}}
	}
	return cmd
}

func TestFullDisk(t *testing.T) {
	if out, err := ownMounts(children.Command(t, "full disk", t.TempDir())).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// jobFullDisk fills a disk of 64 KiB with events until one batch fits no more,
// which must neither harm what is stored nor what comes when there is room.
func jobFullDisk(args []string) error {
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", 0, "size=64k"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	folder := filepath.Join(args[0], "state")
	log, err := eventlog.Open(folder, eventlog.Options{MaxSize: 20_000, Keep: time.Hour})
	if err != nil {
		return err
	}
	stored := 0
	for err == nil && stored < 1000 {
		if err = log.Append(context.Background(), noon, events("a", stored, stored+7)); err == nil {
			stored += 7
		}
	}
	if err := wantFull(err, log, stored); err != nil {
		return err
	}
	// Again, onto the torn line this time.
	if err := wantFull(log.Append(context.Background(), noon, events("a", stored, stored+7)), log, stored); err != nil {
		return err
	}
	// A day later old files are dropped, which gives the room that is needed.
	if err := log.Append(context.Background(), time.Now().Add(24*time.Hour), events("a", stored, stored+7)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	got, bad, err := list(context.Background(), log, eventlog.Filter{})
	want := ids(events("a", 0, stored+7))
	if err != nil || bad > 2 || len(got) < 20 || !slices.Equal(got, want[len(want)-len(got):]) {
		return fmt.Errorf("at the end there are %d unreadable and %q: %w", bad, got, err)
	}
	return nil
}

// wantFull checks that err says the disk is full, and that what was stored is
// in the log, followed by no more than a part of the batch.
func wantFull(err error, log *eventlog.Log, stored int) error {
	if err == nil || !strings.Contains(err.Error(), "cannot append to the event log: ") || !strings.Contains(err.Error(), "no space left") {
		return fmt.Errorf("after %d events: %w", stored, err)
	}
	got, bad, err := list(context.Background(), log, eventlog.Filter{})
	if err != nil || bad > 1 || len(got) < stored || len(got) >= stored+7 || !slices.Equal(got, ids(events("a", 0, len(got)))) {
		return fmt.Errorf("%d are stored, but there are %d unreadable and %q: %w", stored, bad, got, err)
	}
	return nil
}

package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/store"
)

// openJob opens the Store that a job was given in args[0] and returns the
// number in args[1], 0 without one.
func openJob(args []string) (store.Store, int, error) {
	s, err := store.Open(context.Background(), args[0], store.Options{SigningKey: []byte(testKey)})
	if err != nil || len(args) < 2 {
		return s, 0, err
	}
	n, err := strconv.Atoi(args[1])
	return s, n, err
}

func TestProcessesLoseNoIncrement(t *testing.T) {
	folder := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		cmd := children.Command(t, "increment", folder, "50")
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
	if doc, err := open(t, folder).Get(t.Context(), "n"); err != nil || string(doc) != "200" {
		t.Fatalf("document is %q (%v), want 200", doc, err)
	}
}

func TestKilledHolderLeavesNoLock(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	if err := s.Update(t.Context(), "n", "put", increment); err != nil {
		t.Fatal(err)
	}
	cmd := children.Command(t, "hold", folder)
	if _, err := cmd.StdinPipe(); err != nil { // never closed
		t.Fatal(err)
	}
	if lines := children.Start(t, cmd); !lines.Scan() || lines.Text() != "holding" {
		t.Fatalf("the child says %q", lines.Text())
	}

	if doc, err := s.Get(t.Context(), "n"); err != nil || string(doc) != "1" {
		t.Fatalf("beside a writer the document is %q (%v)", doc, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Update(ctx, "n", "wait", increment)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "n.lock") {
		t.Fatalf("an Update that waited in vain: %v", err)
	}
	if err := s.Update(t.Context(), "other", "beside", increment); err != nil {
		t.Fatalf("the lock of one document holds up another: %v", err)
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), "n", "after", increment); err != nil {
		t.Fatal(err)
	}
	if doc, err := s.Get(t.Context(), "n"); err != nil || string(doc) != "2" {
		t.Fatalf("after the kill the document is %q (%v), want 2", doc, err)
	}
}

// numbered is a document that tells a whole one from any other.
type numbered struct {
	N   int    `json:"n"`
	Sum uint32 `json:"sum"`
	Pad string `json:"pad"`
}

func (d numbered) next() numbered {
	d.N++
	// Up to 1 MiB, so that much of an Update is spent in the write.
	d.Pad = strings.Repeat(strconv.Itoa(d.N)+" ", rand.IntN(1<<20)/(len(strconv.Itoa(d.N))+1))
	d.Sum = crc32.ChecksumIEEE([]byte(d.Pad))
	return d
}

func parseNumbered(doc []byte) (d numbered, err error) {
	if doc == nil {
		return d, nil
	}
	if err = json.Unmarshal(doc, &d); err == nil && d.Sum != crc32.ChecksumIEEE([]byte(d.Pad)) {
		err = errors.New("wrong sum")
	}
	return d, err
}

// jobWriteForever writes one document after the other and prints the number of
// each that is stored.
func jobWriteForever(args []string) error {
	s, _, err := openJob(args)
	for err == nil {
		var d numbered
		err = s.Update(context.Background(), "n", "write", func(old []byte) ([]byte, error) {
			if d, err = parseNumbered(old); err != nil {
				return nil, err
			}
			d = d.next()
			return json.Marshal(d)
		})
		if err == nil {
			fmt.Println(d.N)
		}
	}
	return err
}

func TestKillAtAnyMoment(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	temp := filepath.Join(folder, "n.tmp")
	kills, leftovers, stored := 30, 0, 0
	for i := range kills {
		if i == kills-1 { // at least one leftover, whatever the moments
			if err := os.WriteFile(temp, []byte(`{"n":1`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := children.Command(t, "write forever", folder)
		lines := children.Start(t, cmd)
		for range 1 + rand.IntN(3) {
			if lines.Scan() {
				stored = number(t, lines.Text())
			}
		}
		// Some documents later, at a moment nobody chose.
		time.AfterFunc(rand.N(10*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			stored = number(t, lines.Text())
		}
		_ = cmd.Wait()
		doc, err := s.Get(t.Context(), "n")
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		d, err := parseNumbered(doc)
		if err != nil || d.N != stored && d.N != stored+1 {
			t.Fatalf("kill %d: document %d (%v), but %d was stored", i, d.N, err, stored)
		}
		if _, err := os.Lstat(temp); err == nil {
			leftovers++
		}
	}
	t.Logf("%d kills, %d of them left a temporary file, %d documents", kills, leftovers, stored)

	if err := os.WriteFile(temp, []byte(`{"n":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "n"); err != nil {
		t.Fatalf("with a leftover in place: %v", err)
	}
	if err := s.Update(t.Context(), "n", "look", func(old []byte) ([]byte, error) { return old, nil }); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, folder, "n.json", "n.lock")
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("the child says %q", text)
	}
	return n
}

// wantFiles checks what is in a folder.
func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("in the folder there is %q, want %q", got, want)
	}
}

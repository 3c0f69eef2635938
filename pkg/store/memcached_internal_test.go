package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"pgregory.net/rapid"
)

func testSealer(t testing.TB) *sealer {
	t.Helper()
	s, err := newSealer([]byte("a key of the tests only"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedDocumentsComeBack(t *testing.T) {
	s := testSealer(t)
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		doc := rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(t, "doc")
		trail := make([]nonce, rapid.IntRange(1, 20).Draw(t, "writes"))
		for i := range trail {
			trail[i] = newNonce()
		}
		item := s.sealDocument("item", key, trail, doc)
		item.CasID = 1
		got, gotTrail, err := s.unsealDocument(item, key)
		if err != nil || !bytes.Equal(got, doc) || !slices.Equal(gotTrail, trail[:min(len(trail), longestTrail)]) {
			t.Fatalf("got %q and %v (%v)", got, gotTrail, err)
		}
		moved := *item
		moved.Key = "another"
		flagged := *item
		flagged.Flags++
		for what, wrong := range map[string]*memcache.Item{"item": &moved, "flags": &flagged} {
			if _, _, err := s.unsealDocument(wrong, key); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("with another %s: %v", what, err)
			}
		}
		if _, _, err := s.unsealDocument(item, key+"x"); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("under another key: %v", err)
		}
	})
}

// Whatever is in an item, reading it gives a document within the limit or says
// what is wrong; also where the signature is good.
func FuzzMemcachedItem(f *testing.F) {
	s := testSealer(f)
	s.maxSize = 1 << 16
	for _, doc := range []string{"x", `{"n":1}`, strings.Repeat("a", 1<<16), strings.Repeat("a", 1<<20)} {
		f.Add(s.sealDocument("item", "n", []nonce{newNonce(), {}}, []byte(doc)).Value[32:], true)
	}
	f.Add(newEpoch(), true)
	f.Add([]byte("hello"), false)
	f.Fuzz(func(t *testing.T, value []byte, signed bool) {
		item := &memcache.Item{Key: "item", Flags: itemFormat, Value: value, CasID: 1}
		if signed {
			item = s.seal("item", "n", value)
			item.CasID = 1
		}
		doc, trail, err := s.unsealDocument(item, "n")
		switch {
		case err != nil:
			if doc != nil || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%q and %v", doc, err)
			}
		case !signed:
			t.Fatal("an item without signature was read")
		case len(doc) == 0 || len(doc) > int(s.maxSize) || cap(doc) > int(s.maxSize) || len(trail) == 0:
			t.Fatalf("a document of %d bytes after %d writes", len(doc), len(trail))
		}
		if epoch, err := s.unsealEpoch(item, "n"); err == nil && (!signed || len(epoch) != epochSize) {
			t.Fatalf("epoch %x", epoch)
		}
	})
}

// An item that holds more than it says costs no more memory than that.
func TestMemcachedBomb(t *testing.T) {
	s := testSealer(t)
	body := binary.BigEndian.AppendUint64(nil, 10)
	body = append(append(body, 1), make([]byte, nonceSize)...)
	item := s.seal("item", "n", s.pack.EncodeAll(make([]byte, 64<<20), body))
	item.CasID = 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := s.unsealDocument(item, "n")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrCorrupt) || took > 16<<20 {
		t.Errorf("reading %d bytes took %d bytes of memory (%v)", len(item.Value), took, err)
	}
}

func TestItemKeys(t *testing.T) {
	s := newEpoch()
	keys := rapid.OneOf(rapid.String(), rapid.StringN(1, 3, -1), rapid.StringN(200, 500, -1))
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		prefix := strings.Repeat("p", longestPrefix)
		keyA, keyB := pointerKey(prefix, a), pointerKey(prefix, b)
		if (a == b) != (keyA == keyB) {
			t.Fatalf("%q and %q have the items %q and %q", a, b, keyA, keyB)
		}
		for _, key := range []string{keyA, documentKey(keyA, s)} {
			if len(key) > 250 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				t.Fatalf("%q (%d bytes) is no key for memcached", key, len(key))
			}
		}
	})
	if key := pointerKey("clmgr", "status/prod/db mgr1"); !strings.HasPrefix(key, "clmgr:status/prod/db_mgr1:") {
		t.Errorf("nobody recognises %q", key)
	}
}

func TestMemcachedAddress(t *testing.T) {
	for _, test := range []struct{ rest, address, prefix, says string }{
		{"//10.0.0.1:11211", "10.0.0.1:11211", "clmgr", ""},
		{"//10.0.0.1", "10.0.0.1:11211", "clmgr", ""},
		{"//cache.example.com:1234/", "cache.example.com:1234", "clmgr", ""},
		{"//cache/prod-1", "cache:11211", "prod-1", ""},
		{"//[fd00::1]:1234/p", "[fd00::1]:1234", "p", ""},
		{"//[fd00::1]", "[fd00::1]:11211", "clmgr", ""},
		{"", "", "", "no server"},
		{"//", "", "", "no server"},
		{"///p", "", "", "no server"},
		{"10.0.0.1:11211", "", "", "write memcached://HOST:PORT"},
		{"//:11211", "", "", "no host"},
		{"//[]:11211", "", "", "no host"},
		{"//fd00::1", "", "", "in brackets"},
		{"//10.0.0.1:x", "", "", "not a number from 1"},
		{"//10.0.0.1:0", "", "", "not a number from 1"},
		{"//10.0.0.1:65536", "", "", "not a number from 1"},
		{"//10.0.0.1:11211,10.0.0.2:11211", "", "", "more than one memcached: clients spread documents"},
		{"//10.0.0.1,10.0.0.2/p", "", "", "name one"},
		{"//root:hunter2@10.0.0.1", "", "", "has no login"},
		{"//10.0.0.1/a/b", "", "", "the prefix may have"},
		{"//10.0.0.1/a?b=hunter2", "", "", "the prefix may have"},
		{"//10.0.0.1/" + strings.Repeat("p", 51), "", "", "the limit is 50"},
	} {
		address, prefix, err := memcachedAddress(test.rest)
		switch {
		case test.says == "" && (err != nil || address != test.address || prefix != test.prefix):
			t.Errorf("%q: %q, %q (%v)", test.rest, address, prefix, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%q: error %v, want %q", test.rest, err, test.says)
		}
	}
}

func TestMemcachedNeedsAKey(t *testing.T) {
	for key, says := range map[string]string{"": "store_key is missing", "fifteen letters": "at least 16"} {
		_, err := Open(t.Context(), "memcached://10.0.0.1", Options{SigningKey: []byte(key)})
		if err == nil || !strings.Contains(err.Error(), says) || key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("with the key %q: %v", key, err)
		}
	}
	if _, err := Open(t.Context(), "memcached://10.0.0.1", Options{SigningKey: []byte("sixteen letters!")}); err != nil {
		t.Error(err)
	}
}

func TestTurns(t *testing.T) {
	all := turns{keys: map[string]*turn{}}
	giveBack, err := all.take(t.Context(), "n")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.take(ended, "n"); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait in vain: %v", err)
	}
	if other, err := all.take(t.Context(), "other"); err != nil {
		t.Error(err)
	} else {
		other()
	}
	giveBack()

	n := 0
	var waiting sync.WaitGroup
	for range 100 {
		waiting.Go(func() {
			giveBack, err := all.take(t.Context(), "n")
			if err != nil {
				t.Error(err)
				return
			}
			n++ // nobody else, says the race detector
			giveBack()
		})
	}
	waiting.Wait()
	if n != 100 || len(all.keys) != 0 {
		t.Errorf("%d of 100 had their turn, %d turns are left over", n, len(all.keys))
	}
}

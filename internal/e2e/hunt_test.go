package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// The channels through which a secret could leak.
const (
	arguments   = "the arguments of a process"
	environment = "the environment of a process"
	output      = "the output of clmgr"
	stateFile   = "a file in the state folder"
	journal     = "the journal of a machine"

	sharedDocument = "what managers share in a memcached"
)

// hunt looks for secrets in all channels.
type hunt struct {
	t       *testing.T
	secrets map[string][][]byte // by name, the texts that give it away

	mu    sync.Mutex
	found map[string]map[string]string // by name and channel, what it stood in
}

// newHunt looks for each secret as a whole, in base64 and in hex, and for those parts
// of it that no quoting changes.
func newHunt(t *testing.T, secrets map[string]secret) *hunt {
	h := &hunt{t: t, secrets: map[string][][]byte{}, found: map[string]map[string]string{}}
	for name, s := range secrets {
		whole := []byte(s.text)
		h.secrets[name] = [][]byte{
			whole, []byte(base64.StdEncoding.EncodeToString(whole)), []byte(hex.EncodeToString(whole)),
		}
		for _, part := range s.parts {
			h.secrets[name] = append(h.secrets[name], []byte(part))
		}
		h.found[name] = map[string]string{}
	}
	return h
}

// search notes the secrets that stand in text.
func (h *hunt) search(channel, where string, text []byte) {
	for name, forms := range h.secrets {
		for _, form := range forms {
			if at := bytes.Index(text, form); at >= 0 {
				h.mu.Lock()
				h.found[name][channel] = fmt.Sprintf("%s: %q", where, text[max(0, at-200):min(len(text), at+200)])
				h.mu.Unlock()
			}
		}
	}
}

// answered searches what a run of clmgr printed.
func (h *hunt) answered(a answer) answer {
	h.search(output, "clmgr", []byte(a.stdout+a.stderr))
	return a
}

// young is how long a process may take to become another program, or to change its name.
const young = 300 * time.Millisecond

// processes goes through the processes of this host, and so of the machines: those that
// were first seen not longer ago than young, or now and then all. It returns when each was.
func (h *hunt) processes(known map[string]time.Time, all bool) map[string]time.Time {
	proc, err := os.Open("/proc")
	if err != nil {
		h.t.Error(err)
		return known
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		h.t.Error(err)
	}
	seen := map[string]time.Time{}
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		first, was := known[name]
		if !was {
			first = time.Now()
		}
		seen[name] = first
		if !all && time.Since(first) > young {
			continue
		}
		for file, channel := range map[string]string{"cmdline": arguments, "environ": environment} {
			// A process may be gone by now.
			text, _ := os.ReadFile(filepath.Join("/proc", name, file))
			h.search(channel, name, text)
		}
	}
	return seen
}

// watch goes through the processes again and again until stop.
func (h *hunt) watch() (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		// Less than any process lives that clmgr is or starts.
		next := time.NewTicker(3 * time.Millisecond)
		defer next.Stop()
		var known map[string]time.Time
		for round := 0; ; round++ {
			select {
			case <-end:
				return
			case <-next.C:
				known = h.processes(known, round%100 == 0)
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}

// files searches every file below dir, and their names.
func (h *hunt) files(dir string) {
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil {
			h.search(stateFile, path, []byte(path))
		}
		if err == nil && e.Type().IsRegular() {
			h.search(stateFile, path, read(h.t, path))
		}
		return err
	})
	must(h.t, err)
}

// journals searches what the machines have logged since they were made.
func (h *hunt) journals(s *site) {
	for _, m := range s.Machines() {
		h.search(journal, m.Name(), []byte(s.on(h.t, m.Name(), "journalctl --sync; journalctl --no-pager --all --output=export")))
	}
}

// documents searches what a memcached holds, as it is and unpacked.
func (h *hunt) documents(s *memcachedtest.Server) {
	h.t.Helper()
	unpack, err := zstd.NewReader(nil)
	must(h.t, err)
	defer unpack.Close()
	unpacked := 0
	for _, key := range s.Keys() {
		item := s.Get(key)
		h.search(sharedDocument, key, item)
		at := bytes.Index(item, []byte{0x28, 0xb5, 0x2f, 0xfd}) // where zstd begins
		if at < 0 {
			continue
		}
		text, err := unpack.DecodeAll(bytes.TrimSuffix(item[at:], []byte("\r\nEND\r\n")), nil)
		must(h.t, err)
		h.search(sharedDocument, key, text)
		unpacked++
	}
	if unpacked == 0 {
		h.t.Error("no document was unpacked")
	}
}

// want checks in which channels a secret was found.
func (h *hunt) want(name string, channels ...string) {
	h.t.Helper()
	slices.Sort(channels)
	if got := slices.Sorted(maps.Keys(h.found[name])); !slices.Equal(got, channels) {
		h.t.Errorf("the %s was found in %q, want %q", name, got, channels)
		for channel, where := range h.found[name] {
			h.t.Logf("%s: %s", channel, where)
		}
	}
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// lockRetry is how often a known_hosts file that another process holds is tried.
const lockRetry = 5 * time.Millisecond

// accept trusts a key on first use: it is appended to the first file. Several
// processes may do that at once, so under the file's lock the key is judged once
// more, by what the others have written.
func (h *hostKeys) accept(ctx context.Context, t *target, remote net.Addr, key ssh.PublicKey) error {
	file := h.files[0]
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("cannot record host key: %w", err)
	}
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	defer lock.Close()
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("cannot record host key: cannot lock %s: %w", file, err)
	}
	if err := h.verify(t.keyNames, remote, key); !errors.Is(err, errUnknownKey) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ours := slices.Equal(h.look(), h.seen)
	if err := appendLine(file, knownhosts.Line(t.keyNames[:1], key)); err != nil {
		return fmt.Errorf("cannot record host key: %w", err)
	}
	if ours {
		// What changed in the file is our line alone: remembering it saves parsing
		// the file again for each of many new machines.
		h.seen = h.look()
		h.accepted[knownhosts.Normalize(t.keyNames[0])] = key
	}
	return nil
}

// appendLine adds a line with one write, so that a crash leaves the line or not,
// but no half.
func appendLine(file, line string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
		return err
	}
	return f.Close()
}

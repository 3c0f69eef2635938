package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// acceptVouched trusts a key that verify did not, for the reason given, where who
// knows the machine's keys names it. In place of a key that was known, for the
// machine was made anew, it is written only where that key stands as clmgr writes it.
func (h *hostKeys) acceptVouched(ctx context.Context, t *target, remote net.Addr, key ssh.PublicKey, reason error) error {
	if err := vouched(ctx, t, key); err != nil {
		return fmt.Errorf("%w; %w", reason, err)
	}
	if !errors.Is(reason, errUnknownKey) {
		if err := h.forget(ctx, t.keyNames[0]); err != nil {
			return err
		}
	}
	return h.accept(ctx, t, remote, key)
}

// vouched tells why a key is not vouched for, nil where it is.
func vouched(ctx context.Context, t *target, key ssh.PublicKey) error {
	lines, err := t.vouch(ctx)
	if err != nil {
		return fmt.Errorf("nobody vouches for %s: %w", ssh.FingerprintSHA256(key), err)
	}
	for _, line := range lines {
		// Lines that are no key vouch for none.
		if known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil && sameKey(known, key) {
			return nil
		}
	}
	return fmt.Errorf("%s is none of the %d keys that the machine is vouched to have; someone may be in between",
		ssh.FingerprintSHA256(key), len(lines))
}

// forget takes the lines of a name from the first file, those for it alone.
func (h *hostKeys) forget(ctx context.Context, name string) error {
	file := h.files[0]
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	defer lock.Close()
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return fmt.Errorf("cannot forget host key: cannot lock %s: %w", file, err)
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot forget host key: %w", err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 0 || f[0] != knownhosts.Normalize(name) {
			kept.WriteString(line)
		}
	}
	if kept.Len() == len(text) {
		return nil
	}
	if err := renameio.WriteFile(file, []byte(kept.String()), 0o600, renameio.WithExistingPermissions()); err != nil {
		return fmt.Errorf("cannot forget host key: %w", err)
	}
	return nil
}

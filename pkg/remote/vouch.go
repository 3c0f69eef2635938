package remote

import (
	"context"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// vouched tells why an unknown key is not trusted although somebody is asked who
// knows the machine's; nil where it is one of them.
func vouched(ctx context.Context, t *target, key ssh.PublicKey) error {
	lines, err := t.vouch(ctx)
	if err != nil {
		return fmt.Errorf("%w: %s, and nobody vouches for it: %w", errUnknownKey, ssh.FingerprintSHA256(key), err)
	}
	for _, line := range lines {
		// Lines that are no key vouch for none.
		if known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil && sameKey(known, key) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s is none of the %d keys that the machine is vouched to have; someone may be in between",
		errUnknownKey, ssh.FingerprintSHA256(key), len(lines))
}

package remote

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys is what a list of known_hosts files says. They are parsed once for all
// machines and again only when a file changed on disk.
type hostKeys struct {
	files []string

	mu       sync.Mutex
	db       *knownhosts.HostKeyDB
	seen     []fileState
	accepted map[string]ssh.PublicKey // written by us since db was parsed, by normalized address
}

// hostKeySets keeps one hostKeys for each list of files.
type hostKeySets struct {
	mu   sync.Mutex
	sets map[string]*hostKeys
}

func (s *hostKeySets) of(files []string) *hostKeys {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.Join(files, "\x00")
	set, ok := s.sets[id]
	if !ok {
		set = &hostKeys{files: files}
		s.sets[id] = set
	}
	return set
}

// plainAlgorithms are those we ask for where no key is known, quickest first. No
// certificates: without a known authority they could not be verified.
func plainAlgorithms() []string {
	return []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

// algorithms returns the host key algorithms to ask a server for that is known
// under one of names: those of its known keys first, so that it shows the key we
// know; then the others, so that a server which lost that key is told from one
// that speaks no common algorithm.
func (h *hostKeys) algorithms(names []string) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.refresh(); err != nil {
		return nil, err
	}
	var known []string
	for _, name := range names {
		if key, ok := h.accepted[knownhosts.Normalize(name)]; ok {
			known = append(known, key.Type())
		}
		known = append(known, h.db.HostKeyAlgorithms(name)...)
	}
	rank := plainAlgorithms()
	slices.SortStableFunc(known, func(a, b string) int {
		return place(rank, a) - place(rank, b)
	})
	var out []string
	for _, a := range append(known, rank...) {
		// The SHA-1 signatures of ssh-rsa are never asked for: an RSA key is used
		// through its SHA-2 algorithms.
		if a != ssh.KeyAlgoRSA && a != ssh.CertAlgoRSAv01 && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

func place(list []string, s string) int {
	if i := slices.Index(list, s); i >= 0 {
		return i
	}
	return len(list)
}

// refresh parses the files unless none has changed. Files that do not exist are
// empty ones. It is called under mu.
func (h *hostKeys) refresh() error {
	now := h.look()
	if h.db != nil && slices.Equal(now, h.seen) {
		return nil
	}
	var existing []string
	for i, f := range h.files {
		if now[i].exists {
			existing = append(existing, f)
		}
	}
	db, err := knownhosts.NewDB(existing...)
	if err != nil {
		return fmt.Errorf("cannot read known hosts: %w", err)
	}
	h.db, h.seen, h.accepted = db, now, map[string]ssh.PublicKey{}
	return nil
}

func (h *hostKeys) look() []fileState {
	var out []fileState
	for _, f := range h.files {
		out = append(out, stateOf(f))
	}
	return out
}

// errUnknownKey is the verdict that accept-new may overrule, and the only one.
var errUnknownKey = errors.New("host key is not known")

// verify judges the key a server showed by all names it may be known under: one
// that knows this key is enough, one that knows only others refuses it. A revoked
// key is refused by all.
func (h *hostKeys) verify(names []string, remote net.Addr, key ssh.PublicKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.refresh(); err != nil {
		return err
	}
	verdict := errUnknownKey
	for _, name := range names {
		err := h.verifyName(name, remote, key)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errUnknownKey):
			continue
		case isPlainMismatch(err):
			return changedError(name, key, err)
		}
		var revoked *xknownhosts.RevokedError
		if errors.As(err, &revoked) {
			return fmt.Errorf("host key %s is revoked in %s:%d",
				ssh.FingerprintSHA256(key), revoked.Revoked.Filename, revoked.Revoked.Line)
		}
		// A certificate may be made out to another of the names.
		verdict = fmt.Errorf("host certificate is not valid: %w", err)
	}
	return verdict
}

func (h *hostKeys) verifyName(name string, remote net.Addr, key ssh.PublicKey) error {
	err := h.db.HostKeyCallback()(name, remote, key)
	if !knownhosts.IsHostUnknown(err) {
		return err
	}
	have, ok := h.accepted[knownhosts.Normalize(name)]
	if !ok {
		return errUnknownKey
	}
	if !sameKey(have, key) {
		return &xknownhosts.KeyError{Want: []xknownhosts.KnownKey{{Key: have, Filename: h.files[0]}}}
	}
	return nil
}

func isPlainMismatch(err error) bool { return knownhosts.IsHostKeyChanged(err) }

// changedError says what was expected, what came, and what to do where the machine
// was really rebuilt.
func changedError(name string, key ssh.PublicKey, err error) error {
	var mismatch *xknownhosts.KeyError
	if !errors.As(err, &mismatch) || len(mismatch.Want) == 0 {
		return err
	}
	var want []string
	for _, k := range mismatch.Want {
		place := k.Filename
		if k.Line > 0 {
			place = fmt.Sprintf("%s:%d", k.Filename, k.Line)
		}
		want = append(want, fmt.Sprintf("%s has %s %s", place, k.Key.Type(), ssh.FingerprintSHA256(k.Key)))
	}
	host := knownhosts.Normalize(name)
	return fmt.Errorf("host key of %s has changed: %s, the server shows %s %s; someone may be in between; if the machine was rebuilt, remove the old key: ssh-keygen -f %s -R '%s': %w",
		host, strings.Join(want, ", "), key.Type(), ssh.FingerprintSHA256(key), mismatch.Want[0].Filename, host, err)
}

// unknownError says how to accept a key that is not known yet.
func unknownError(t *target, key ssh.PublicKey) error {
	return fmt.Errorf(`%w: %s shows %s %s; compare it with the machine's own, then add it with "ssh-keyscan -p %d %s >> %s", or set "host_key: accept-new"`,
		errUnknownKey, knownhosts.Normalize(t.keyNames[0]), key.Type(), ssh.FingerprintSHA256(key), t.port, t.host, t.known[0])
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// keySource says where the keys of a login come from.
type keySource struct {
	files    []string // offered first
	required bool     // a file that is missing is an error
	fallback []string // offered last, where they exist
	agent    string   // the agent's socket; "" for none
	only     bool     // of the agent, only keys that are also in files
}

func (k keySource) id() string {
	return fmt.Sprintf("%q %t %q %q %t", k.files, k.required, k.fallback, k.agent, k.only)
}

// identity is one key we can prove to have.
type identity struct {
	name   string // its file, or the agent's comment: never any of the key
	signer ssh.Signer
}

func (i identity) String() string {
	return i.name + " " + ssh.FingerprintSHA256(i.signer.PublicKey())
}

// keyring holds the keys of one keySource, ready to sign, in the order in which
// they are offered.
type keyring struct {
	identities []identity
	notes      []string // why other keys are not there
	loaded     time.Time
}

func (k *keyring) signers() []ssh.Signer {
	var out []ssh.Signer
	for _, i := range k.identities {
		out = append(out, i.signer)
	}
	return out
}

// tried tells, for the error of a login that was refused, what was offered and
// what could not be.
func (k *keyring) tried() string {
	var offered []string
	for _, i := range k.identities {
		offered = append(offered, i.String())
	}
	text := "no key to offer"
	if len(offered) > 0 {
		text = "offered " + strings.Join(offered, ", ")
	}
	if len(k.notes) > 0 {
		text += "; " + strings.Join(k.notes, "; ")
	}
	return text
}

// keyrings loads each keySource once, for all machines that log in with it.
type keyrings struct {
	mu    sync.Mutex
	slots map[string]*keyringSlot
}

type keyringSlot struct {
	mu   sync.Mutex // held while loading, so that the others wait for the result
	ring *keyring
}

// reloadAfter is how old a keyring must be before a refused login lets it be read
// again: a key added later is found, and 200 machines that refuse us do not make
// 200 loads.
const reloadAfter = 10 * time.Second

func (k *keyrings) slot(source keySource) *keyringSlot {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.slots[source.id()]
	if !ok {
		s = &keyringSlot{}
		k.slots[source.id()] = s
	}
	return s
}

// load returns the keyring of source. An error is not kept: the next login tries
// again.
func (k *keyrings) load(ctx context.Context, source keySource) (*keyring, error) {
	s := k.slot(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring != nil {
		return s.ring, nil
	}
	ring, err := loadKeyring(ctx, source)
	if err == nil {
		err = ctx.Err() // who was interrupted may have missed the agent's keys
	}
	if err != nil {
		return nil, err
	}
	s.ring = ring
	return ring, nil
}

// refused tells that a server accepted no key of source.
func (k *keyrings) refused(source keySource) {
	s := k.slot(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring != nil && time.Since(s.ring.loaded) > reloadAfter {
		s.ring = nil
	}
}

// loadKeyring orders keys as OpenSSH does: those named first, then the agent's,
// then the default files. A key that is named but encrypted is taken from the
// agent, where that has it.
func loadKeyring(ctx context.Context, source keySource) (*keyring, error) {
	ring := &keyring{loaded: time.Now()}
	held, err := agentKeys(ctx, source.agent)
	if err != nil {
		ring.notes = append(ring.notes, err.Error())
	}
	add := func(files []string, required bool) error {
		for _, f := range files {
			if err := ring.addFile(f, held); err != nil {
				if errors.Is(err, fs.ErrNotExist) && !required {
					continue
				}
				return err
			}
		}
		return nil
	}
	if err := add(source.files, source.required); err != nil {
		return nil, err
	}
	if !source.only {
		for _, i := range held {
			ring.add(i)
		}
	}
	return ring, add(source.fallback, false)
}

// add appends an identity unless its key is there already.
func (k *keyring) add(i identity) {
	for _, have := range k.identities {
		if sameKey(have.signer.PublicKey(), i.signer.PublicKey()) {
			return
		}
	}
	k.identities = append(k.identities, i)
}

func (k *keyring) addFile(path string, held []identity) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err == nil {
		k.addCertificate(path, signer)
		k.add(identity{name: path, signer: signer})
		return nil
	}
	public := publicOf(path, text, err)
	for _, i := range held {
		if public != nil && sameKey(public, i.signer.PublicKey()) {
			k.add(i)
			return nil
		}
	}
	var encrypted *ssh.PassphraseMissingError
	if errors.As(err, &encrypted) {
		k.notes = append(k.notes, "key "+path+" is encrypted and no agent holds it: load it with ssh-add and let clmgr ask the agent")
		return nil
	}
	k.notes = append(k.notes, "cannot use key "+path+": "+oneLine(err.Error()))
	return nil
}

// addCertificate offers the certificate that lies beside a key, as OpenSSH does.
func (k *keyring) addCertificate(path string, signer ssh.Signer) {
	text, err := os.ReadFile(path + "-cert.pub")
	if err != nil {
		return
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(text)
	cert, ok := public.(*ssh.Certificate)
	if err != nil || !ok {
		k.notes = append(k.notes, path+"-cert.pub is no certificate")
		return
	}
	certified, err := ssh.NewCertSigner(cert, signer)
	if err != nil {
		k.notes = append(k.notes, "cannot use "+path+"-cert.pub: "+oneLine(err.Error()))
		return
	}
	k.add(identity{name: path + "-cert.pub", signer: certified})
}

// publicOf finds the public half of a key file we cannot open ourselves: within
// the file, beside it, or because the file named is the public one. nil if none.
func publicOf(path string, text []byte, cause error) ssh.PublicKey {
	var encrypted *ssh.PassphraseMissingError
	if errors.As(cause, &encrypted) && encrypted.PublicKey != nil {
		return encrypted.PublicKey
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return public
	}
	beside, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(beside)
	if err != nil {
		return nil
	}
	return public
}

func sameKey(a, b ssh.PublicKey) bool {
	return string(a.Marshal()) == string(b.Marshal())
}

package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/klauspost/compress/zstd"
)

// The value of an item, whose flags are itemFormat:
//
//	signature  32 bytes  HMAC-SHA256 of the item's key, the document's key, the flags and all that follows
//	pointer:   epoch     16 random bytes
//	document:  size      8 bytes, of the document
//	           trail     1 byte, the number of nonces, and these, 8 bytes each
//	           document  compressed (zstd)
//
// An item's key says store, document and epoch, so that a signed item is good
// in its own place only.
const (
	itemFormat = 1
	epochSize  = 16
	nonceSize  = 8
)

// longestTrail is how many writes back a writer can tell what became of its
// own. The oldest nonce of a young document is nonce{}, its absence.
const longestTrail = 16

// A nonce names one write.
type nonce [nonceSize]byte

func newNonce() (n nonce) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

func newEpoch() []byte {
	epoch := make([]byte, epochSize)
	_, _ = rand.Read(epoch)
	return epoch
}

// sealer makes and opens the items of one store.
type sealer struct {
	key     []byte
	maxSize int64
	pack    *zstd.Encoder
	unpack  *zstd.Decoder
}

func newSealer(key []byte, maxSize int64) (*sealer, error) {
	// The fastest level is also within a few percent of the smallest here.
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, err
	}
	return &sealer{key: bytes.Clone(key), maxSize: maxSize, pack: pack, unpack: unpack}, nil
}

// seal returns the item of a pointer, or of a document without its CAS id.
func (s *sealer) seal(itemKey, key string, body []byte) *memcache.Item {
	return &memcache.Item{Key: itemKey, Flags: itemFormat, Value: append(s.sign(itemKey, key, itemFormat, body), body...)}
}

func (s *sealer) sign(itemKey, key string, flags uint32, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, text := range []string{itemKey, key} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		mac.Write([]byte(text))
	}
	mac.Write(binary.BigEndian.AppendUint32(nil, flags))
	mac.Write(body)
	return mac.Sum(nil)
}

// unseal returns what was sealed in an item.
func (s *sealer) unseal(item *memcache.Item, key string) ([]byte, error) {
	switch {
	case item.CasID == 0:
		// Without CAS ids a cas overwrites whatever is there (seen: memcached -C).
		return nil, errors.New("the memcached gives no CAS ids; was it started with -C?")
	case item.Flags != itemFormat:
		return nil, fmt.Errorf("%w: item %s has the flags %d, not %d; did somebody else write it, or a later clmgr?",
			ErrCorrupt, item.Key, item.Flags, itemFormat)
	case len(item.Value) < sha256.Size:
		return nil, fmt.Errorf("%w: item %s has only %d bytes; did somebody else write it?", ErrCorrupt, item.Key, len(item.Value))
	}
	signature, body := item.Value[:sha256.Size], item.Value[sha256.Size:]
	if !hmac.Equal(signature, s.sign(item.Key, key, item.Flags, body)) {
		return nil, fmt.Errorf("%w: item %s has a wrong signature; is store_key the same on all managers, or did somebody else write it?",
			ErrCorrupt, item.Key)
	}
	return body, nil
}

// unsealEpoch returns the epoch in a pointer.
func (s *sealer) unsealEpoch(item *memcache.Item, key string) ([]byte, error) {
	epoch, err := s.unseal(item, key)
	if err == nil && len(epoch) != epochSize {
		err = fmt.Errorf("%w: item %s points nowhere", ErrCorrupt, item.Key)
	}
	return epoch, err
}

// sealDocument returns the item of a document.
func (s *sealer) sealDocument(itemKey, key string, trail []nonce, doc []byte) *memcache.Item {
	trail = trail[:min(len(trail), longestTrail)]
	body := binary.BigEndian.AppendUint64(nil, uint64(len(doc)))
	body = append(body, byte(len(trail))) //nolint:gosec // longestTrail at most
	for _, n := range trail {
		body = append(body, n[:]...)
	}
	return s.seal(itemKey, key, s.pack.EncodeAll(doc, body))
}

// unsealDocument returns the document in an item, and the nonces of its last
// writes, the newest first.
func (s *sealer) unsealDocument(item *memcache.Item, key string) ([]byte, []nonce, error) {
	body, err := s.unseal(item, key)
	if err != nil {
		return nil, nil, err
	}
	const head = 9
	if len(body) < head || len(body) < head+int(body[8])*nonceSize || body[8] == 0 {
		return nil, nil, fmt.Errorf("%w: item %s is cut", ErrCorrupt, item.Key)
	}
	size := binary.BigEndian.Uint64(body)
	if size > uint64(s.maxSize) { //nolint:gosec // never negative
		return nil, nil, fmt.Errorf("%w: item %s holds %d bytes, the limit is %d", ErrTooLarge, item.Key, size, s.maxSize)
	}
	trail := make([]nonce, body[8])
	for i := range trail {
		copy(trail[i][:], body[head+i*nonceSize:])
	}
	// The decoder goes no further than the capacity.
	doc, err := s.unpack.DecodeAll(body[head+len(trail)*nonceSize:], make([]byte, 0, size))
	if err != nil || uint64(len(doc)) != size || size == 0 {
		return nil, nil, fmt.Errorf("%w: item %s holds no document of %d bytes (%v)", ErrCorrupt, item.Key, size, err) //nolint:errorlint // ErrCorrupt is what matters
	}
	return doc, trail, nil
}

// longestReadable is how much of a document's key an item's key repeats for
// people; with prefix, hash and epoch it stays below memcached's 250 bytes.
const longestReadable = 80

// pointerKey returns the key of the item that points to a document.
func pointerKey(prefix, key string) string {
	readable := []byte(key[:min(len(key), longestReadable)])
	for i, c := range readable {
		if !plainByte(c) && c != '/' {
			readable[i] = '_'
		}
	}
	sum := sha256.Sum256([]byte(key))
	return prefix + ":" + string(readable) + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// documentKey returns the key of the item of a document in an epoch.
func documentKey(pointer string, epoch []byte) string {
	return pointer + ":" + base64.RawURLEncoding.EncodeToString(epoch)
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// What a document's three files end in. A document's own file always ends in
// documentSuffix, so no key can name another one's lock or temporary file.
const (
	documentSuffix = ".json"
	lockSuffix     = ".lock"
	tempSuffix     = ".tmp"
)

// longestName is the length in bytes up to which a name says its whole key;
// with a suffix it stays below the 255 bytes that file systems allow.
const longestName = 200

// fileName returns the name, without suffix, of the files of the document under
// key. Different keys have different names, also on a file system that does not
// tell upper from lower case.
//
// Lower-case letters, digits, "-", "_" and "." (not in front) stand for
// themselves, "/" becomes "+", any other byte "%" and two hex digits. A name
// that would be too long is cut and ends in "~" and the key's SHA-256.
func fileName(key string) (string, error) {
	if key == "" {
		return "", errors.New("the key is empty")
	}
	const digits = "0123456789abcdef"
	var name strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			name.WriteByte(c)
		case c == '/':
			name.WriteByte('+')
		default:
			name.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
		if name.Len() > longestName {
			sum := sha256.Sum256([]byte(key))
			return name.String()[:longestName-1-2*len(sum)] + "~" + hex.EncodeToString(sum[:]), nil
		}
	}
	return name.String(), nil
}

package provision

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// sqlText is a text as SQL writes it.
func sqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

// parseAccount reads "USER HOST HASH" of a look, the first two in base64.
func parseAccount(text string) (accountSeen, error) {
	words := strings.Split(text, " ")
	for len(words) < 3 {
		words = append(words, "")
	}
	user, err := unbase64(words[0])
	if err != nil {
		return accountSeen{}, err
	}
	host, err := unbase64(words[1])
	return accountSeen{user: user, host: host, hash: words[2]}, err
}

func unbase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("the machine answers %q: %w", s, err)
	}
	return string(b), nil
}

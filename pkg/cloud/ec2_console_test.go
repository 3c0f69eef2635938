package cloud

import (
	"slices"
	"strings"
	"testing"
)

const console = "Debian GNU/Linux 12 m1 console\r\n" +
	"-----BEGIN SSH HOST KEY KEYS-----\r\nssh-rsa OLD root@m1\r\n-----END SSH HOST KEY KEYS-----\r\n" +
	"<14>cloud-init: ###\r\n-----BEGIN SSH HOST KEY KEYS-----\r\n" +
	"ecdsa-sha2-nistp256 AAAA1 root@m1\r\nssh-ed25519 AAAA2\r\n\r\n-----END SSH HOST KEY KEYS-----\r\nm1 login: "

func TestPrintedKeys(t *testing.T) {
	want := []string{"ecdsa-sha2-nistp256 AAAA1 root@m1", "ssh-ed25519 AAAA2"}
	if got := printedKeys(console); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, text := range []string{"", "m1 login: ", console[:strings.LastIndex(console, "-----END")]} {
		if got := printedKeys(text); len(got) > 0 {
			t.Errorf("%q has %q", text, got)
		}
	}
}

func FuzzPrintedKeys(f *testing.F) {
	f.Add(console)
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range printedKeys(text) {
			if strings.ContainsAny(k, "\r\n") || len(strings.Fields(k)) < 2 {
				t.Errorf("%q", k)
			}
		}
	})
}

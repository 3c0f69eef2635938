package secret

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMasker(t *testing.T) {
	m := NewMasker(New("secret"), New("secretive"), New("abc"), New(""), New(`p@ss "w\rd<&>é`))
	for text, want := range map[string]string{
		"":                         "",
		"nothing here":             "nothing here",
		"the secret":               "the xxx",
		"secretsecret":             "xxxxxx",
		"a secretive secret":       "a xxx xxx",
		"abc is too short to mask": "abc is too short to mask",
		`p@ss "w\rd<&>é`:           "xxx",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := (Masker{}).Text("secret"); got != "secret" {
		t.Errorf("the zero Masker: %q", got)
	}
	if got := NewMasker(New("abc")).Text("abcd"); got != "abcd" {
		t.Errorf("a Masker of nothing: %q", got)
	}
}

// Whatever the secret, and however a library writes it into its error, it is not
// in what comes out.
func TestMaskerFindsEncodedSecrets(t *testing.T) {
	encodings := map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"JSON":     func(s string) string { b, _ := json.Marshal(s); return string(b) },
		"%q":       func(s string) string { return fmt.Sprintf("%q", s) },
		"%+q":      func(s string) string { return fmt.Sprintf("%+q", s) },
		"query":    url.QueryEscape,
		"path":     url.PathEscape,
		"userinfo": func(s string) string { return url.UserPassword("", s).String() },
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(Shortest, 40, -1).Draw(t, "secret")
		before := rapid.SampledFrom([]string{"", "open ", "://"}).Draw(t, "before")
		m := NewMasker(New(text))
		for what, encode := range encodings {
			out := m.Text(before + encode(text) + "!")
			if bare := strings.ReplaceAll(out, Mask, ""); len(bare) > len(before)+len(`"":!`) {
				t.Errorf("%s of %q: %q", what, text, out)
			}
		}
	})
}

func BenchmarkMasker(b *testing.B) {
	var values []Value
	for i := range 100 {
		values = append(values, New(fmt.Sprintf("password-%d-of-many", i)))
	}
	m := NewMasker(values...)
	text := strings.Repeat("a line that a library returned, with password-42-of-many in it\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if m.Text(text) == text {
			b.Fatal("nothing was masked")
		}
	}
}

package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const canary = "canary-7f3a"

// holder has the secret where fmt cannot ask it for its methods.
type holder struct {
	Open   Value
	hidden Value
	nested struct{ deep []Value }
}

func newHolder() holder {
	h := holder{Open: New(canary), hidden: New(canary)}
	h.nested.deep = []Value{New(canary)}
	return h
}

func TestNoVerbShowsASecret(t *testing.T) {
	v, h := New(canary), newHolder()
	shapes := map[string]any{
		"value": v, "pointer": &v, "list": []Value{v}, "map": map[string]Value{"a": v}, "key": map[Value]int{v: 1},
		"holder": h, "holder pointer": &h, "any": []any{v, &v}, "array": [1]Value{v},
	}
	// Formats are made at run time: vet would refuse most of them.
	for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", "-20.3", "+#", "# "} {
			format := "%" + flags + string(verb)
			for what, shape := range shapes {
				if got := fmt.Sprintf(format, shape); leaks(got) {
					t.Errorf("%s of %s: %s", format, what, got)
				}
			}
		}
	}
	if got := fmt.Sprint(v, " ", &v) + fmt.Sprintln(v); leaks(got) || !strings.Contains(got, Mask) {
		t.Error(got)
	}
}

// leaks tells whether text has the secret, as it is or in hexadecimal.
func leaks(text string) bool {
	text = strings.ToLower(strings.NewReplacer(" ", "", "0x", "", ",", "").Replace(text))
	return strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary))
}

// The search must be able to find: a type without the methods leaks.
func TestLeaksFindsALeak(t *testing.T) {
	type naked struct{ text string }
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% X", "%d"} {
		if got := fmt.Sprintf(format, []naked{{canary}}); !leaks(got) {
			t.Errorf("%s: %s", format, got)
		}
	}
}

func TestFormats(t *testing.T) {
	for format, want := range map[string]string{
		"%v": "xxx", "%s": "xxx", "%q": `"xxx"`, "%#v": `secret.Value{"xxx"}`, "%x": "xxx", "%d": "xxx", "%5s|": "  xxx|", "%-5v|": "xxx  |",
	} {
		if got := fmt.Sprintf(format, New(canary)); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	if got := fmt.Sprintf("%v%s", New(""), Value{}); got != "" {
		t.Errorf("an empty secret: %q", got)
	}
}

func TestNoEncoderShowsASecret(t *testing.T) {
	var encoded []string
	h := newHolder()
	for what, encode := range map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"yaml": yaml.Marshal,
		"xml":  xml.Marshal,
	} {
		text, err := encode(h)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		encoded = append(encoded, string(text))
	}
	keys, err := json.Marshal(map[Value]int{New(canary): 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(encoded, string(keys)) {
		if leaks(text) || !strings.Contains(text, Mask) {
			t.Errorf("%s", text)
		}
	}
	if text, _ := json.Marshal(Value{}); string(text) != `""` {
		t.Errorf("an empty secret: %s", text)
	}
}

func TestNoLogShowsASecret(t *testing.T) {
	var out bytes.Buffer
	h := newHolder()
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "value", h.Open, "pointer", &h.Open, "holder", h, "list", []Value{h.Open}, slog.Group("g", "v", h.Open))
	}
	if text := out.String(); leaks(text) || strings.Count(text, Mask) < 6 {
		t.Error(text)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	err := fmt.Errorf("cannot log in with %v: %w", New(canary), errors.New("no"))
	if leaks(err.Error()) || !strings.Contains(err.Error(), Mask) {
		t.Error(err)
	}
}

func TestEquality(t *testing.T) {
	a, b, other := New(canary), New(canary[:6]+canary[6:]), New("another")
	if a != b || !a.Equal(b) || a == other || a.Equal(other) || New("") != (Value{}) {
		t.Error("secrets are not compared by their text")
	}
	if !cmp.Equal([]Value{a}, []Value{b}) || cmp.Equal([]Value{a}, []Value{other}) {
		t.Error("cmp does not compare secrets")
	}
	if a.Reveal() != canary || (Value{}).Reveal() != "" || !New("").Empty() || a.Empty() {
		t.Error("the text is not what was given")
	}
}

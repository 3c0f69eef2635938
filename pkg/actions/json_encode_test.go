package actions

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// An encoder that goes on writes what one that begins would write, through every
// move of a random history.
func TestEncoderThatGoesOn(t *testing.T) {
	w := newWorld(t, "encoder", 5)
	var goesOn Encoder
	var flushes int
	for range 300 {
		w.step(&flushes)
		for _, m := range w.managers {
			got, err := goesOn.Encode(m.disk)
			if err != nil {
				t.Fatal(err)
			}
			want, err := m.disk.Encode()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v\n%s\n%s", err, got, want)
			}
			if !json.Valid(got) {
				t.Fatalf("this is no JSON: %s", got)
			}
		}
	}
}

// A decoder that goes on reads what one that begins would read, bad entries too.
func TestDecoderThatGoesOn(t *testing.T) {
	w := newWorld(t, "decoder", 6)
	var goesOn Decoder
	var flushes int
	for range 200 {
		w.step(&flushes)
		for _, m := range w.managers {
			text, err := m.disk.Encode()
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range [][]byte{text, bytes.Replace(text, []byte(`"do_level"`), []byte(`"do_lvel"`), 1)} {
				got, err := goesOn.Decode(doc)
				if err != nil {
					t.Fatal(err)
				}
				want, err := Decode(doc)
				if err != nil || !got.Equal(want) {
					t.Fatalf("%v: read otherwise: %s", err, doc)
				}
			}
		}
	}
}

func TestEncodeOrdersAndEscapes(t *testing.T) {
	q := scene(t, "start node1\nstart m1 age=1h")
	if _, err := q.Hold("w", Hold{Group: "<all>", Reason: "a\u2028b", At: t0, Until: t0.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	q.held = map[string]map[string]uint64{"w": {"w": 3}}
	text, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var w wireQueue
	if err := strict(text, &w); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(w) // what encoding/json makes of the same
	if err != nil || !bytes.Equal(plain, text) {
		t.Errorf("%v\n%s\n%s", err, text, plain)
	}
	if back, err := Decode(text); err != nil || !back.Equal(q) {
		t.Errorf("%v", err)
	}
}

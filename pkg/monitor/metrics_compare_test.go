package monitor

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestComparisonsThatAreNone(t *testing.T) {
	for text, typ := range map[string]Type{"30": Float, "> ": Float, "> NaN": Float, "=~ 3": Float, "> a": String, "=~ (": String, "=> 3": Integer} {
		if c, err := ParseComparison(text, typ); err == nil {
			t.Errorf("%q is taken: %+v", text, c)
		}
	}
	if c, err := ParseComparison("", Float); err != nil || !c.zero() || c.holds(value{}) {
		t.Errorf("nothing: %+v, %v", c, err)
	}
}

// Each number is on one side of any other, and text is equal to itself alone.
func TestComparisonsHold(t *testing.T) {
	holds := func(t *rapid.T, op, to string, typ Type, of string) bool {
		c, err := ParseComparison(op+" "+to, typ)
		if err != nil {
			t.Fatal(err)
		}
		v, err := readValue(of, typ)
		if err != nil {
			t.Fatal(err)
		}
		return c.holds(v)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64().Draw(t, "a"), rapid.Float64().Draw(t, "b")
		if math.IsNaN(a) || math.IsNaN(b) || math.IsInf(b, 0) {
			return
		}
		of, to := showNumber(a), showNumber(b)
		for op, want := range map[string]bool{">": a > b, ">=": a >= b, "<": a < b, "<=": a <= b, "==": a == b, "!=": a != b} {
			if got := holds(t, op, to, Float, of); got != want {
				t.Fatalf("%s %s %s: %v", of, op, to, got)
			}
		}
		x, y := rapid.StringMatching("[a-z]{1,3}").Draw(t, "x"), rapid.StringMatching("[a-z]{1,3}").Draw(t, "y")
		if holds(t, "==", y, String, x) != (x == y) || holds(t, "!~", "^"+y+"$", String, x) != (x != y) {
			t.Fatalf("%s and %s", x, y)
		}
	})
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		text string
		typ  Type
		want string // "" for none
	}{
		{"1", Float, "1"},
		{"1.50", Float, "1.5"},
		{"1e3", Integer, "1000"},
		{"1e300", Float, "1e+300"},
		{"0.0000001", Float, "1e-07"},
		{"+Inf", Float, "+Inf"},
		{"-0", Integer, "0"},
		{"NaN", Float, ""},
		{"1.5", Integer, ""},
		{"+Inf", Integer, ""},
		{"", Float, ""},
		{"x", Integer, ""},
		{"a\nb", String, "a b"},
		{"NaN", String, "NaN"},
		{"", String, ""},
	} {
		v, err := readValue(c.text, c.typ)
		if v.text != c.want || (err == nil) != (c.want != "" || c.typ == String) {
			t.Errorf("%q as %s: %q, %v", c.text, c.typ, v.text, err)
		}
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string]Range{
		"0..5": {0, 5, true}, "..5": {math.Inf(-1), 5, true}, "-1.5..": {-1.5, math.Inf(1), true}, "": {},
	} {
		if r, err := ParseRange(text); err != nil || r != want {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{"..", "5", "5..1", "a..b", "0..Inf"} {
		if r, err := ParseRange(text); err == nil {
			t.Errorf("%q is taken: %+v", text, r)
		}
	}
	if open := (Range{0, math.Inf(1), true}); open.takes(math.Inf(1)) || !open.takes(math.MaxFloat64) || !(Range{}).takes(math.Inf(1)) {
		t.Error("infinite values are taken where a range is given, or refused where none is")
	}
}

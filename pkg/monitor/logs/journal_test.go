package logs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// exported is an entry in the export format, as text or with its length.
func exported(fields ...string) []byte {
	var b bytes.Buffer
	for n := 0; n < len(fields); n += 2 {
		if !strings.ContainsAny(fields[n+1], "\n\x00") && utf8.ValidString(fields[n+1]) {
			fmt.Fprintf(&b, "%s=%s\n", fields[n], fields[n+1])
			continue
		}
		b.WriteString(fields[n] + "\n")
		_ = binary.Write(&b, binary.LittleEndian, uint64(len(fields[n+1])))
		b.WriteString(fields[n+1] + "\n")
	}
	b.WriteByte('\n')
	return b.Bytes()
}

const someCursor = "s=ff139d14fbb94b899f5cd5b65c3c2276;i=7a2e2;b=1bc826e27a69417ab7921af793b9f7cc;m=54bb59c5;t=661322a2129fd;x=c572b86acbd67fe9"

func decoded(t testing.TB, pieces ...[]byte) ([]Line, *decoder) {
	t.Helper()
	var d decoder
	var out []Line
	for _, p := range pieces {
		if err := d.feed(p, func(e *entry) { out = append(out, e.line("before")) }); err != nil {
			t.Fatal(err)
		}
	}
	return out, &d
}

func TestDecodeWhateverThePieces(t *testing.T) {
	text := slices.Concat(
		exported("__CURSOR", someCursor, "__REALTIME_TIMESTAMP", "1795717943339517", "_UID", "0", "MESSAGE", "Suppressed",
			"MESSAGE_ID", messageDropped, "N_DROPPED", "2625", "OBJECT_SYSTEMD_UNIT", "b2.service"),
		exported("__CURSOR", someCursor, "MESSAGE", "bin\xff\nary", "PRIORITY", "2"),
		exported("__CURSOR", someCursor, "MESSAGE", "", "NULL", "\x00"),
		exported("__CURSOR", someCursor, "PRIORITY", "4"),
		exported("__CURSOR", someCursor, "MESSAGE", "a=b=c"),
	)
	whole, _ := decoded(t, text)
	if len(whole) != 5 {
		t.Fatalf("%d entries", len(whole))
	}
	if l := whole[0]; l.Dropped != 2625 || l.At.UnixMicro() != 1795717943339517 || l.Place.Seq != 0x7a2e2 || l.Place.At != someCursor || l.Before != "before" {
		t.Errorf("got %+v", l)
	}
	var texts []string
	for _, l := range whole {
		texts = append(texts, l.Text+" "+l.Severity)
	}
	if d := cmp.Diff([]string{"Suppressed info", "bin\xff\nary critical", " info", " warning", "a=b=c info"}, texts); d != "" {
		t.Error(d)
	}
	for size := range 40 {
		if got, _ := decoded(t, slices.Collect(slices.Chunk(text, size+1))...); !cmp.Equal(got, whole) {
			t.Errorf("in pieces of %d bytes: %v", size+1, cmp.Diff(whole, got))
		}
	}
}

func TestDecodeCutsWhatIsLong(t *testing.T) {
	long := strings.Repeat("x", 10*longestLine)
	for what, message := range map[string]string{"text": long, "binary": "\n" + long} {
		text := append(exported("__CURSOR", someCursor, "MESSAGE", message, "PRIORITY", "4"), exported("MESSAGE", "next")...)
		for _, size := range []int{100, 64 << 10, len(text)} {
			got, d := decoded(t, slices.Collect(slices.Chunk(text, size))...)
			if len(got) != 2 || len(got[0].Text) > longestLine+len(cutMark) || !strings.HasSuffix(got[0].Text, "x"+cutMark) || got[0].Severity != Warning || got[1].Text != "next" {
				t.Errorf("%s in pieces of %d bytes: %d entries", what, size, len(got))
			}
			if cap(d.part)+cap(d.value) > 8*longestLine {
				t.Errorf("%s in pieces of %d bytes: %d bytes are kept", what, size, cap(d.part)+cap(d.value))
			}
		}
	}
}

// What is no journal is passed over where it can be, and else refused.
func TestDecodeOtherText(t *testing.T) {
	got, d := decoded(t, []byte("Welcome to m1!\nlast login: today\n\n"), exported("MESSAGE", "a"))
	if len(got) != 1 || got[0].Text != "a" || d.bad != 2 {
		t.Errorf("got %v, %d bad", got, d.bad)
	}
	for _, text := range []string{"HELLO\nworld, this is no journal\n", "A\n\x01\x00\x00\x00\x00\x00\x00\x00xy"} {
		if err := new(decoder).feed([]byte(text), func(*entry) {}); err == nil || !strings.Contains(err.Error(), "not in the export format") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnitsOfAnEntry(t *testing.T) {
	for _, c := range []struct {
		e    entry
		want string
	}{
		{entry{unit: "a", about: "b", pid: "7", uid: "0"}, "a"},
		{entry{unit: "init.scope", about: "b", pid: "1", uid: "0"}, "init.scope b"},
		{entry{unit: "journald", object: "b", uid: "0"}, "journald b"},
		{entry{unit: "evil", object: "b", dumped: "b", uid: "1000"}, "evil"},
		{entry{unit: "coredump@1", dumped: "b", uid: "0"}, "coredump@1 b"},
		{entry{unit: "a", about: "a", object: "a", pid: "1", uid: "0"}, "a"},
	} {
		u := c.e.units()
		if got := strings.Join(strings.Fields(strings.Join(u[:], " ")), " "); got != c.want {
			t.Errorf("%+v: got %s", c.e, got)
		}
	}
}

func TestOrder(t *testing.T) {
	at := func(id string, seq uint64, boot string) cursor {
		return cursor{text: "x", id: id, seq: seq, boot: boot}
	}
	for name, c := range map[string]struct {
		from cursor
		then []cursor
		want []int // missing before each, -1 where that is not known
	}{
		"from the beginning":    {cursor{}, []cursor{at("a", 5, "b"), at("a", 6, "b")}, []int{0, 0}},
		"in order":              {at("a", 5, "b"), []cursor{at("a", 6, "b"), at("a", 7, "b")}, []int{-1, 0}},
		"the next ones gone":    {at("a", 5, "b"), []cursor{at("a", 9, "b")}, []int{3}},
		"gone, another boot":    {at("a", 5, "b"), []cursor{at("a", 9, "c")}, []int{3}},
		"another journal":       {at("a", 5, "b"), []cursor{at("z", 2, "c"), at("z", 3, "c")}, []int{-1, 0}},
		"a hole":                {cursor{}, []cursor{at("a", 5, "b"), at("a", 9, "b"), at("a", 10, "b")}, []int{0, 3, 0}},
		"a user's file between": {cursor{}, []cursor{at("a", 5, "b"), at("u", 6, "b"), at("a", 7, "b"), at("u", 9, "b")}, []int{0, 0, 0, 1}},
		"booted":                {cursor{}, []cursor{at("a", 5, "b"), at("a", 9, "c"), at("a", 10, "c")}, []int{0, 0, 0}},
		"an older file, late":   {cursor{}, []cursor{at("a", 5, "b"), at("u", 3, "b"), at("a", 6, "b")}, []int{0, 0, 0}},
	} {
		o := order{last: c.from}
		var got []int
		for _, next := range c.then {
			missing, reason := o.next(next)
			if reason != "" && missing == 0 {
				missing = -1
			}
			got = append(got, missing)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(exported("__CURSOR", someCursor, "MESSAGE", "bin\xff\nary", "_UID", "0"), uint8(7))
	f.Add([]byte("MESSAGE=a\n\nB\n\x02\x00\x00\x00\x00\x00\x00\x00ab\n\n"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		run := func(pieces ...[]byte) (lines []Line, failed bool) {
			var d decoder
			for _, p := range pieces {
				if err := d.feed(p, func(e *entry) { lines = append(lines, e.line("")) }); err != nil {
					return lines, true
				}
			}
			return lines, false
		}
		whole, failed := run(text)
		parts, failedToo := run(slices.Collect(slices.Chunk(text, int(size)+1))...)
		if failed != failedToo || !cmp.Equal(whole, parts) {
			t.Errorf("whole: %v (%v), in pieces: %v (%v)", whole, failed, parts, failedToo)
		}
	})
}

func TestRequired(t *testing.T) {
	for pattern, want := range map[string]string{
		`^line (?P<number>\d+)\b`: "line ",
		`a|b`:                     "",
		`(?i)error`:               "",
		`x?abc*`:                  "ab",
		`(foo)+bar{2}baz`:         "foo",
		`(`:                       "",
		`.*Lost connection.*`:     "Lost connection",
	} {
		if got := required(pattern); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// What an expression matches holds the text that it requires.
func FuzzRequired(f *testing.F) {
	f.Add(`(a|b)cd+e{2,}(?i:f)`, "acddeef")
	f.Add(`^x?(?:yz)*\bw`, "w")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := regexp.Compile(pattern)
		if err != nil || !re.MatchString(text) {
			return
		}
		if l := required(pattern); !strings.Contains(text, l) {
			t.Errorf("%q matches %q, which has no %q", pattern, text, l)
		}
	})
}

package eventlog_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestParse(t *testing.T) {
	entry, err := eventlog.Parse([]byte("{ \"time\": \"2020-11-21T13:00:01+01:00\",\n \"x\": [1, \"a b\"], \"id\": \"a\" }\r"))
	if err != nil {
		t.Fatal(err)
	}
	if entry.ID != "a" || !entry.At.Equal(noon.Add(time.Second)) ||
		string(entry.Line) != `{"time":"2020-11-21T13:00:01+01:00","x":[1,"a b"],"id":"a"}` {
		t.Errorf("got %q, %v, %s", entry.ID, entry.At, entry.Line)
	}
	for line, want := range map[string]string{
		``:                                       "unexpected end",
		`{"id":"a","time":"2020-11-21T1`:         "unexpected end",
		`[]`:                                     "cannot unmarshal array",
		`null`:                                   `no "id"`,
		`{"time":"2020-11-21T12:00:00Z"}`:        `no "id"`,
		`{"id":"a"}`:                             `no "time"`,
		`{"id":7,"time":"2020-11-21T12:00:00Z"}`: "cannot unmarshal",
		`{"id":"a","time":"yesterday"}`:          "cannot parse",
		`{"id":"a","time":"2020-11-21T12:00:00Z"}{}`:                                        "after top-level value",
		`{"id":"a","time":"2020-11-21T12:00:00Z","x":"` + strings.Repeat("x", 1<<20) + `"}`: "longer than",
		"{\"id\":\"\xff\",\"time\":\"2020-11-21T12:00:00Z\"}":                               "UTF-8",
		"\x00\x00\x00": "invalid character",
	} {
		if _, err := eventlog.Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50q: error %v, want %q", line, err, want)
		}
	}
}

// What Parse takes is one line, and Parse makes the same of it again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(event("a", 1).Line))
	f.Add([]byte("{\n\"ID\":\"\xff\",\"time\":\"2020-11-21T12:00:00Z\",\"id\":\"\\u2028\"}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		entry, err := eventlog.Parse(line)
		if err != nil {
			return
		}
		if bytes.ContainsAny(entry.Line, "\n\r") || !json.Valid(entry.Line) || entry.ID == "" || entry.At.IsZero() {
			t.Fatalf("%q was taken for %+v", line, entry)
		}
		again, err := eventlog.Parse(entry.Line)
		if err != nil || again.ID != entry.ID || !again.At.Equal(entry.At) || !bytes.Equal(again.Line, entry.Line) {
			t.Fatalf("%q became %+v and then %+v (%v)", line, entry, again, err)
		}
	})
}

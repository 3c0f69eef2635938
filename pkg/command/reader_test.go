package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// answers reads a whole stream and says, one line a document, what came of it.
func answers(t *testing.T, src io.Reader) []string {
	t.Helper()
	r := NewReader(src)
	var out []string
	for {
		doc, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			out = append(out, fmt.Sprintf("%d:%d %v", syntax.Line, syntax.Column, syntax.Err))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(doc)
		if err != nil {
			out = append(out, fmt.Sprintf("line %d: %v", doc.Line, err))
			continue
		}
		out = append(out, fmt.Sprintf("line %d: %s %s %s %s", doc.Line, c.Level, c.Action, c.Group, c.Type))
	}
}

const one = `{"level":"instances","command":{"action":"heartbeat","group":"all","type":"all"}}`

func TestReader(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"blank lines and comments", "\n // nothing\n/* more\n */ \n", nil},
		{"the seed's", one, []string{"line 1: instances heartbeat all all"}},
		{"no line between", one + one, []string{"line 1: instances heartbeat all all", "line 1: instances heartbeat all all"}},
		{
			"lenient", "{level:'services', command:{action:'status', group:'node10',}, /* c */} // tail",
			[]string{"line 1: services status node10 all"},
		},
		{
			"over several lines", "{\n level: 'instances',\n command: {\n  action: 'status' } }\n\n" + one,
			[]string{"line 1: instances status all all", "line 6: instances heartbeat all all"},
		},
		{
			"malformed in the middle", one + "\n{bad bad}\n" + one,
			[]string{
				"line 1: instances heartbeat all all", "2:6 invalid character 'b' after object key",
				"line 3: instances heartbeat all all",
			},
		},
		{
			"cut short swallows nothing", "{\"level\":\"instances\",\"command\":\n" + one + "\n" + one,
			[]string{
				"3:1 invalid character '{' after object key:value pair",
				"line 2: instances heartbeat all all", "line 3: instances heartbeat all all",
			},
		},
		{"cut at the end", `{"level":"instances","comm`, []string{"1:27 the document ends too early"}},
		{"comment left open", one + "\n\n/* {", []string{"line 1: instances heartbeat all all", "3:1 the comment is never closed"}},
		{"not an object", "[1]\n" + one, []string{"1:1 this is a list, a command is an object", "line 2: instances heartbeat all all"}},
		{"misspelt filter", `{level:'instances',command:{action:'status',gruop:'a'}}`, []string{
			`line 1: cannot read command: unknown key "command.gruop", known are action, address, after, cluster, do, dry_run, facts, for, group, id, last, no_act, plan, reason, state, type, wait, when, yes`,
		}},
		{"wrong type", `{level:1,command:{}}`, []string{`line 1: cannot read command: "level" is a number`}},
		{"no command", `{level:'instances'}`, []string{`line 1: cannot read command: there is no "command"`}},
		{
			"deep", strings.Repeat("[", 1000) + "\n" + one,
			[]string{"1:1001 the document is nested too deeply", "line 2: instances heartbeat all all"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for how, src := range map[string]io.Reader{
				"whole": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
			} {
				got := answers(t, src)
				if tt.name == "deep" && len(got) > 0 { // where in the line depends on the reads
					got[0] = tt.want[0]
				}
				if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
					t.Errorf("%s:\n got %q\nwant %q", how, got, tt.want)
				}
			}
		})
	}
}

// A document of 50 MB costs one answer, bounded memory, and not the next one.
func TestReaderTooLarge(t *testing.T) {
	big := strings.NewReader(`{"level":"` + strings.Repeat("x", 50<<20) + "\"}\n" + one)
	got := answers(t, big)
	if len(got) != 2 || !strings.Contains(got[0], "larger than 4 MiB") || got[1] != "line 2: instances heartbeat all all" {
		t.Errorf("got %.200q", got)
	}
}

// A document is answered as soon as it is complete, while the writer waits.
func TestReaderAnswersAtOnce(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr)
	for range 3 {
		go func() { _, _ = io.WriteString(pw, one+"\n") }()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(one + "\n{x\n" + one)
	f.Add("{a:'\\\n'}//")
	f.Add("/* {")
	f.Fuzz(func(t *testing.T, in string) {
		r := NewReader(strings.NewReader(in))
		for n := 0; ; n++ {
			doc, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			var syntax *SyntaxError
			if err != nil && !errors.As(err, &syntax) {
				t.Fatalf("neither end nor syntax: %v", err)
			}
			if n > len(in) {
				t.Fatal("more answers than bytes")
			}
			if err == nil {
				_, _ = Parse(doc)
			}
		}
		// Whatever stood before, a good document on a line of its own is read;
		// only a comment left open may swallow it.
		all := answers(t, strings.NewReader(in+"\n"+one))
		if strings.Contains(in, "/*") {
			return
		}
		if last := all[len(all)-1]; !strings.HasSuffix(last, "instances heartbeat all all") {
			t.Fatalf("the last document was lost: %q", all)
		}
	})
}

package job

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clmgr/clmgr/pkg/remote"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestAnswers(t *testing.T) {
	a, err := read("clmgr-x", remote.Output{Stdout: []byte("running 1 abc 90\nended 1 abc signal 2 15\nlast\nwords\n")}, noon)
	if err != nil || a.running == nil || a.ended == nil {
		t.Fatalf("got %+v, %v", a, err)
	}
	if want := (sighting{true, "abc", noon.Add(-90 * time.Second)}); *a.running != want {
		t.Errorf("got %+v", a.running)
	}
	if want := (Result{true, 143, "signal", "abc", "last\nwords"}); *a.ended != want {
		t.Errorf("got %+v", a.ended)
	}
}

// What a script had begun to say when it was cut off is nothing.
func TestHalfALineIsNoAnswer(t *testing.T) {
	for _, said := range []string{"running 0 ab", "ended 0 abc success 1 0", "superseded 7.1", "cleared", "fail because"} {
		a, err := read("clmgr-x", remote.Output{Stdout: []byte(said)}, noon)
		if err != nil || a != (answer{}) {
			t.Errorf("%q: got %+v, %v", said, a, err)
		}
	}
}

func TestLaterTermIsTyped(t *testing.T) {
	j := Job{Unit: "clmgr-x", Epoch: 1<<64 - 1, Try: 12}
	a, err := read(j.Unit, remote.Output{Stdout: []byte("superseded " + j.term() + "\n")}, noon)
	var s *Superseded
	if err != nil || !errors.As(a.err, &s) || *s != (Superseded{"clmgr-x", j.Epoch, j.Try}) {
		t.Fatalf("got %+v, %v", a, err)
	}
}

func TestTermsCompareAsText(t *testing.T) {
	rising := []Job{{}, {Try: 2}, {Try: 10}, {Epoch: 1}, {Epoch: 9, Try: 1<<64 - 1}, {Epoch: 10}, {Epoch: 1<<64 - 1}}
	for i := range rising[1:] {
		if rising[i].term() >= rising[i+1].term() {
			t.Errorf("%s, then %s", rising[i].term(), rising[i+1].term())
		}
	}
}

func TestUnfitJobsAreRefused(t *testing.T) {
	good := Job{Unit: "clmgr-w1.7", Command: "true", Limit: time.Second}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*Job){
		"bad unit name":                 func(j *Job) { j.Unit = "mariadb" },
		`bad unit name "clmgr-a/b"`:     func(j *Job) { j.Unit = "clmgr-a/b" },
		`bad unit name "clmgr-a\n"`:     func(j *Job) { j.Unit = "clmgr-a\n" },
		"it has no command":             func(j *Job) { j.Command = " \n" },
		"its command holds a zero byte": func(j *Job) { j.Command = "true\x00" },
		"it has no limit":               func(j *Job) { j.Limit = 0 },
	} {
		j := good
		spoil(&j)
		if err := j.check(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("running 1 abc 90\nended 1 abc signal 2 15\nlast\nwords\n")
	f.Add("running 0 - 0\nsuperseded 00000000000000000001.00000000000000000002\n")
	f.Add("fail\ngone\ncleared\nrunning 1 2\nended\n")
	f.Fuzz(func(t *testing.T, said string) {
		a, err := read("clmgr-x", remote.Output{Stdout: []byte(said)}, noon)
		if a.ended != nil && !utf8.ValidString(a.ended.Output) {
			t.Errorf("output %q", a.ended.Output)
		}
		// A sighting or an end that cannot be read is as if it had not been said.
		words := strings.Fields(said)
		heard := len(words) > 0 && (words[0] == "running" || words[0] == "ended")
		if err == nil && a == (answer{}) && strings.Contains(said, "\n") && !heard {
			t.Errorf("%q says nothing", said)
		}
	})
}

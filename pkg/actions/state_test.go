package actions

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const lease = 30 * time.Second

// doc.go draws exactly the moves of the table.
func TestDiagramIsTheTable(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var drawn []Edge
	for _, m := range regexp.MustCompile(`(?m)^//\t(\w+) +──([a-z-]+)─*► (\w+)`).FindAllStringSubmatch(string(text), -1) {
		drawn = append(drawn, Edge{State(m[1]), Move(m[2]), State(m[3])})
	}
	order := func(a, b Edge) int {
		return strings.Compare(string(a.From+"|")+string(a.Move)+"|"+string(a.To), string(b.From+"|")+string(b.Move)+"|"+string(b.To))
	}
	table := Edges()
	slices.SortFunc(table, order)
	slices.SortFunc(drawn, order)
	if !slices.Equal(table, drawn) {
		t.Errorf("drawn %v\ntable %v", drawn, table)
	}
}

// words are the moves of a story; "last" is a lapse that is the last attempt.
var words = []string{"claim", "beat", "fail", "give-up", "lapse", "last", "stop", "finish", "cancel", "retry", "park"}

// play makes the moves of a story, like "claim:a beat:a fail:a claim:b done:a",
// and returns what became of it. The word after the colon is the owner, whose
// last claim it has in hand. A move that ends in "!" must be refused.
func play(t *testing.T, story string) Progress {
	t.Helper()
	var p Progress
	hand := map[string]Claim{}
	for _, word := range strings.Fields(story) {
		word, refused := strings.CutSuffix(word, "!")
		move, owner, _ := strings.Cut(word, ":")
		from := p.State()
		next, err := makeMove(p, move, owner, hand[owner])
		var r *Refused
		if refused != errors.As(err, &r) || err != nil && !refused {
			t.Fatalf("%s: %s from %s: %v", story, word, from, err)
		}
		if err != nil {
			if next != p {
				t.Fatalf("%s: %s was refused and changed something", story, word)
			}
			continue
		}
		if next != p && !slices.Contains(Edges(), Edge{from, named(move), next.State()}) {
			t.Fatalf("%s: %s led from %s to %s, which the table does not know", story, word, from, next.State())
		}
		if p = next; move == "claim" || move == "beat" {
			hand[owner] = p.Claim()
		}
	}
	return p
}

func named(word string) Move {
	if word == "last" {
		return MoveLapse
	}
	return Move(word)
}

func makeMove(p Progress, move, owner string, c Claim) (Progress, error) {
	switch Move(move) {
	case MoveClaim:
		return p.Take(owner, lease, t0)
	case MoveBeat:
		return p.Beat(c)
	case MoveFail:
		return p.Fail(c, Failure{Err: "no", Times: p.failed().Times + 1})
	case MoveGiveUp:
		return p.Fail(c, Failure{Err: "never", Final: true})
	case MoveLapse:
		return p.Lapse(c, Failure{Err: "silent"})
	case "last":
		return p.Lapse(c, Failure{Err: "silent", Final: true})
	case MoveFinish:
		return p.Finish(c, t0)
	case MoveStop:
		return p.Stop(c)
	case MoveCancel:
		return p.Cancel(t0)
	case MoveRetry:
		return p.Retry(t0)
	case MovePark:
		return p.Park("parked")
	}
	panic(move)
}

func TestMoves(t *testing.T) {
	for _, c := range []struct {
		story string
		want  State
	}{
		{"", Waiting},
		{"beat:a! fail:a! finish:a! retry! lapse:a!", Waiting},
		{"claim:a", Running},
		{"claim:a claim:b!", Running},
		{"claim:a beat:a beat:a beat:b!", Running},
		{"claim:a fail:a", Waiting},
		{"claim:a fail:a claim:b fail:a! beat:a!", Running},
		{"claim:a fail:a claim:a beat:a finish:a", Done},
		{"claim:a give-up:a claim:b! fail:a! cancel", Cancelled},
		{"claim:a give-up:a retry claim:b", Running},
		{"claim:a give-up:a retry retry!", Waiting},
		{"claim:a give-up:a retry give-up:a! claim:b give-up:a! finish:b", Done},
		// a late success is a fact, whatever happened meanwhile
		{"claim:a lapse:a finish:a", Done},
		{"claim:a lapse:a claim:b finish:a beat:b! fail:b! stop:b stop:b! finish:b", Done},
		{"claim:a lapse:a claim:b finish:a lapse:b lapse:b!", Done},
		{"claim:a finish:a fail:a! lapse:a! stop:a! finish:a", Done},
		{"claim:a give-up:a finish:a", Done},
		{"claim:a lapse:a claim:b give-up:b retry finish:a", Done},
		// a lease lapses only for who saw its last beat
		{"claim:a lapse:b!", Running},
		{"claim:a last:a", Failed},
		{"claim:a last:a retry claim:b", Running},
		// cancelling
		{"cancel cancel claim:a! retry! park!", Cancelled},
		{"claim:a cancel beat:a! fail:a! stop:a stop:a!", Cancelled},
		{"claim:a stop:a! stop:b!", Running},
		{"claim:a cancel lapse:a lapse:a!", Cancelled},
		{"claim:a cancel finish:a", Done},
		{"claim:a finish:a cancel! retry! park! claim:b!", Done},
		// parking
		{"park", Failed},
		{"park retry claim:a", Running},
		{"claim:a park!", Running},
		{"claim:a fail:a park retry park", Failed},
	} {
		if got := play(t, c.story).State(); got != c.want {
			t.Errorf("%q is %s, want %s", c.story, got, c.want)
		}
	}
}

// Every edge of the table is walked from a progress like these, and no other is.
func TestEveryEdge(t *testing.T) {
	other := play(t, "claim:z") // the lease of a lost document, greater than that of a
	reach := map[State]string{
		Waiting: "claim:a fail:a", Running: "claim:a", Failed: "claim:a give-up:a", Cancelled: "claim:a cancel", Done: "claim:a finish:a",
	}
	walked := map[Edge]bool{}
	for _, story := range reach {
		p := play(t, story)
		for _, p := range []Progress{p, p.merge(other)} {
			for _, m := range words {
				for _, c := range p.Claims {
					next, err := makeMove(p, m, "a", c)
					if err == nil && (next != p || m == "finish") {
						walked[Edge{p.State(), named(m), next.State()}] = true
					}
				}
			}
		}
	}
	for _, e := range Edges() {
		if !walked[e] {
			t.Errorf("nothing walks %v", e)
		}
	}
	for e := range walked {
		if !slices.Contains(Edges(), e) {
			t.Errorf("%v is walked and not in the table", e)
		}
	}
}

// A cancel that came after the work says so.
func TestCancelAfterDone(t *testing.T) {
	_, err := play(t, "claim:a finish:a").Cancel(t0)
	var r *Refused
	if !errors.As(err, &r) || r.From != Done || err.Error() != "cannot cancel action: it is done" {
		t.Errorf("got %v", err)
	}
}

// A merge keeps the success of an earlier attempt against the failure of a
// later one, and the failure of a later one against the claim of an earlier.
func TestMergedStories(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want State
	}{
		{"claim:a finish:a", "claim:a lapse:a claim:b give-up:b", Done},
		{"claim:a", "claim:a fail:a", Waiting},
		{"claim:a", "claim:a fail:a claim:b", Running},
		{"claim:a beat:a beat:a", "claim:a lapse:a claim:b give-up:b", Failed},
		{"claim:z beat:z beat:z", "claim:a fail:a claim:a", Running},
		{"park", "claim:a", Running},
		{"claim:a give-up:a", "claim:a give-up:a retry", Waiting},
		{"claim:a give-up:a retry claim:b give-up:b", "claim:a give-up:a retry", Failed},
		{"cancel", "claim:a", Cancelled},
		{"cancel", "claim:a finish:a", Done},
	} {
		a, b := play(t, c.a), play(t, c.b)
		if got := a.merge(b).State(); got != c.want {
			t.Errorf("%q with %q is %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

// Who was given a lease in a document that knew nothing of another's keeps
// everybody else from beginning until he has stopped; his failure then counts
// for nothing, his success for all.
func TestTwoOwners(t *testing.T) {
	for _, c := range []struct {
		came string // with the copy that returns
		want State
	}{
		{"claim:z", Running},
		{"claim:z fail:z", Waiting},
		{"claim:z give-up:z", Failed},
		{"claim:z give-up:z retry", Waiting},
		{"claim:z cancel stop:z", Cancelled},
		{"claim:z finish:z", Done},
	} {
		a := play(t, "claim:a beat:a")
		p := a.merge(play(t, c.came))
		if p.State() != c.want || !p.Working() {
			t.Errorf("%s: %s, working %v", c.came, p.State(), p.Working())
		}
		if _, err := p.Take("b", lease, t0); err == nil {
			t.Errorf("%s: somebody begins", c.came)
		}
		if _, err := p.Beat(a.Claim()); err == nil {
			t.Errorf("%s: it beats on", c.came)
		}
		if _, err := p.Fail(a.Claim(), Failure{Err: "no"}); err == nil {
			t.Errorf("%s: its failure counts", c.came)
		}
		if done, err := p.Finish(a.Claim(), t0); err != nil || done.State() != Done {
			t.Errorf("%s: its success does not count: %v", c.came, err)
		}
		stopped, err := p.Stop(a.Claim())
		if err != nil || stopped.State() != c.want || stopped.Working() != (c.want == Running) {
			t.Errorf("%s: stopped, %s, %v", c.came, stopped.State(), err)
		}
		if stopped.merge(p) != stopped {
			t.Errorf("%s: an old copy brings it back to work", c.came)
		}
	}
}

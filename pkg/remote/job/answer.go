package job

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/clmgr/clmgr/pkg/remote"
)

// answer is what a script has said, perhaps not all of it.
type answer struct {
	running *sighting
	ended   *Result
	cleared bool
	err     error // *Superseded, or why it cannot be
}

// sighting is a job seen running.
type sighting struct {
	followed   bool
	invocation string
	since      time.Time
}

// errGone is the error of following a run that is not there any more.
var errGone = errors.New("its run is gone from the machine, which was restarted, or it was cleared by others")

// outputLimit is how much of a job's output the scripts send, in bytes.
const outputLimit = 2048

// read takes in what a script has printed. Lines that are not whole are of a script that
// was cut off.
func read(unit string, out remote.Output, now time.Time) (answer, error) {
	var a answer
	rest := out.Stdout
	for {
		line, more, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			break
		}
		rest = more
		words := strings.Fields(string(line))
		if len(words) == 0 {
			return a, fmt.Errorf("unexpected answer %q", line)
		}
		switch words[0] {
		case "running":
			a.running = readSighting(words[1:], now)
		case "ended":
			a.ended = readResult(words[1:], rest)
			return a, nil
		case "cleared":
			a.cleared = true
		case "gone":
			a.err = errGone
		case "superseded":
			a.err = readTerm(unit, words[1:])
		case "fail":
			a.err = errors.New(strings.Join(words[1:], " "))
		default:
			return a, fmt.Errorf("unexpected answer %q", line)
		}
	}
	return a, nil
}

func readSighting(words []string, now time.Time) *sighting {
	if len(words) != 3 {
		return nil
	}
	ago, err := strconv.Atoi(words[2])
	if err != nil {
		return nil
	}
	s := &sighting{followed: words[0] == "1", since: now.Add(-time.Duration(max(ago, 0)) * time.Second)}
	if words[1] != "-" {
		s.invocation = words[1]
	}
	return s
}

func readResult(words []string, output []byte) *Result {
	if len(words) != 5 {
		return nil
	}
	status, err := strconv.Atoi(words[4])
	if err != nil {
		return nil
	}
	if words[3] == "2" || words[3] == "3" { // CLD_KILLED and CLD_DUMPED: the status is a signal
		status += 128
	}
	return &Result{
		Followed: words[0] == "1", Invocation: words[1], Outcome: words[2], Exit: status, Output: tidy(output),
	}
}

// tidy makes the end of an output fit to be read: whole lines where it was cut, valid
// UTF-8, nothing that steers a terminal.
func tidy(output []byte) string {
	if len(output) >= outputLimit {
		if _, lines, ok := bytes.Cut(output, []byte("\n")); ok && len(lines) > 0 {
			output = lines
		}
	}
	return strings.TrimSpace(clean(string(output)))
}

// clean makes text valid UTF-8 without control characters, but for line ends and tabs.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

func readTerm(unit string, words []string) error {
	if len(words) == 1 {
		epoch, try, _ := strings.Cut(words[0], ".")
		e, err1 := strconv.ParseUint(epoch, 10, 64)
		t, err2 := strconv.ParseUint(try, 10, 64)
		if err1 == nil && err2 == nil {
			return &Superseded{Unit: unit, Epoch: e, Try: t}
		}
	}
	return fmt.Errorf("unexpected term %q", words)
}

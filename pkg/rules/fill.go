package rules

import (
	"fmt"
	"strings"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// fill puts what an event says in the place of words in braces, and tells whether
// there were any. What the event does not say is an error: half a name could be
// another's.
func fill(text string, e heartbeat.Event) (out string, filled bool, err error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), filled, nil
		}
		word, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", false, fmt.Errorf("%q has { without }", text)
		}
		value := said(word, e)
		if value == "" {
			return "", false, fmt.Errorf("the event has no %s", word)
		}
		b.WriteString(value)
		text, filled = after, true
	}
}

// said is what an event says to a word.
func said(word string, e heartbeat.Event) string {
	switch word {
	case "name":
		return e.Key.Name
	case "cluster":
		return e.Key.Cluster
	case "state":
		return e.Is.State
	case "ip":
		if !e.IP.IsValid() {
			return ""
		}
		return e.IP.String()
	}
	return e.Labels[word]
}

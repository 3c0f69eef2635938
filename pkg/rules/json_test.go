package rules_test

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/rules"
)

// What cannot be read is an error, so that nobody writes over it.
func TestUnreadableState(t *testing.T) {
	for text, says := range map[string]string{
		`{"version":2}`: "written by a newer clmgr (version 2, this one knows up to 1)",
		`{}`:            "it has no version",
		`{"version":1`:  "unexpected end",
		`{"version":1,"acting":[{"action":"x"}]}`: "cannot read action id",
	} {
		if _, _, err := rules.DecodeState([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

// On a narrow terminal no line of the table is longer than it, and no reason is
// lost; on a wide one the reason is a column.
func TestGrid(t *testing.T) {
	reason := "cannot reach m3: " + strings.Repeat("because ", 10)
	for _, width := range []int{0, 40, 200} {
		g := (&app{streams: streams{width: width}}).newTable(true, "SERVICE", "STATE", "REASON")
		g.row("prod", "node10", "running", "")
		g.row("prod", "node11", "failed", reason)
		lines := strings.Split(g.render(), "\n")
		if !strings.Contains(strings.Join(lines, "\n"), strings.TrimSpace(reason)) {
			t.Errorf("width %d: the reason is lost: %q", width, lines)
		}
		if below := lines[len(lines)-1] == "  prod node11: "+reason; below != (width == 40) {
			t.Errorf("width %d: %q", width, lines)
		}
		for _, line := range lines[:3] {
			if width > 0 && text.StringWidthWithoutEscSequences(line) > width {
				t.Errorf("width %d: %q is too long", width, line)
			}
		}
	}
}

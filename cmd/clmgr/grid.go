package main

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// grid is a table without lines. Its last column is the reason; where that does
// not fit the terminal, the reasons stand below the table, whole.
type grid struct {
	clusters bool
	width    int // of the terminal, 0 for no limit
	rows     [][]string
}

func (a *app) newTable(clusters bool, head ...string) *grid {
	g := &grid{clusters: clusters, width: a.width}
	g.row("CLUSTER", head...)
	return g
}

// row adds a row; the cluster is shown only where there are several. The first
// cell is the entry's name.
func (g *grid) row(cluster string, cells ...string) {
	if g.clusters {
		cells = append([]string{cluster}, cells...)
	}
	g.rows = append(g.rows, cells)
}

const gap = 2 // columns between cells

func (g *grid) render() string {
	columns := len(g.rows[0])
	total := -gap
	for c := range columns {
		widest := 0
		for _, r := range g.rows {
			widest = max(widest, text.StringWidthWithoutEscSequences(r[c]))
		}
		total += widest + gap
	}
	if g.width == 0 || total <= g.width {
		return g.draw(columns)
	}
	out := g.draw(columns - 1)
	for _, r := range g.rows[1:] {
		if reason := r[columns-1]; reason != "" {
			name := r[0]
			if g.clusters {
				name += " " + r[1]
			}
			out += "\n  " + name + ": " + reason
		}
	}
	return out
}

// draw renders the first columns.
func (g *grid) draw(columns int) string {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", gap)
	t.SetStyle(style)
	for _, r := range g.rows {
		var row table.Row
		for _, cell := range r[:columns] {
			row = append(row, cell)
		}
		t.AppendRow(row)
	}
	var lines []string
	for _, line := range strings.Split(t.Render(), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

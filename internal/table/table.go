// Package table lays out tables for people: in full if they are piped, and within the width of a terminal.
package table

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"inorder/internal/terminal"
)

// Column is a column of a table. One that is empty in all rows of the first page is left out.
type Column struct {
	Title string
	Right bool // for numbers
	// Least is how many characters a cell keeps at least on a narrow terminal; 0 never cuts, as for IDs, which people copy.
	Least int
	// Drop says which columns go if cutting is not enough: the highest first, and 0 never.
	Drop int
}

// Cell is a text with its style. Others may have written Text: it is cleaned, and shown in one line.
type Cell struct {
	Text  string
	Style terminal.Style
}

// Text returns a plain cell.
func Text(s string) Cell { return Cell{Text: s} }

// Table writes rows in pages. The first page decides how the columns are laid out.
type Table struct {
	Columns []Column
	widths  []int // of the columns as they are shown; -1 for one that is left out
}

const gap = "  "

// Write shows a page of rows, after the titles if it is the first one. Without rows it writes nothing.
func (t *Table) Write(to *terminal.Writer, rows [][]Cell) {
	if len(rows) == 0 {
		return
	}
	for _, row := range rows {
		for i := range row {
			row[i].Text = terminal.Line(row[i].Text, longest)
		}
	}
	if t.widths == nil {
		t.layOut(rows, to.Width())
		titles := make([]Cell, len(t.Columns))
		for i, c := range t.Columns {
			titles[i] = Cell{strings.ToUpper(c.Title), terminal.Bold}
		}
		t.writeRow(to, titles)
	}
	for _, row := range rows {
		t.writeRow(to, row)
	}
}

// longest bounds a cell where nothing is cut.
const longest = 2000

// layOut decides the widths: it cuts what may be cut, the widest first, and leaves out columns only if that is not enough.
func (t *Table) layOut(rows [][]Cell, width int) {
	t.widths = make([]int, len(t.Columns))
	for i, c := range t.Columns {
		t.widths[i] = -1
		for _, row := range rows {
			if row[i].Text != "" {
				t.widths[i] = max(t.widths[i], runewidth.StringWidth(c.Title), runewidth.StringWidth(row[i].Text))
			}
		}
	}
	natural := append([]int(nil), t.widths...)
	for width > 0 && !t.cut(width) {
		drop := -1
		for i, c := range t.Columns {
			if t.widths[i] >= 0 && c.Drop > 0 && (drop < 0 || c.Drop > t.Columns[drop].Drop) {
				drop = i
			}
		}
		if drop < 0 {
			return // the terminal wraps it
		}
		natural[drop] = -1
		copy(t.widths, natural)
	}
}

// cut makes the widest columns narrower until all fit, and reports whether they do.
func (t *Table) cut(width int) bool {
	for {
		total, widest := -len(gap), -1
		for i, w := range t.widths {
			if w < 0 {
				continue
			}
			total += w + len(gap)
			if least := t.Columns[i].Least; least > 0 && w > least && (widest < 0 || w > t.widths[widest]) {
				widest = i
			}
		}
		if total <= width {
			return true
		}
		if widest < 0 {
			return false
		}
		t.widths[widest]--
	}
}

func (t *Table) writeRow(to *terminal.Writer, row []Cell) {
	blanks, first := 0, true // blanks are written only before the next text, so that none end a line
	for i, cell := range row {
		width, column := t.widths[i], t.Columns[i]
		if width < 0 {
			continue
		}
		text := cell.Text
		if to.Width() > 0 && column.Least > 0 {
			text = runewidth.Truncate(text, width, "…")
		}
		short := max(width-runewidth.StringWidth(text), 0)
		if !first {
			blanks += len(gap)
		}
		first = false
		if column.Right {
			blanks, short = blanks+short, 0
		}
		if text != "" {
			_, _ = io.WriteString(to, strings.Repeat(" ", blanks))
			to.Paint(cell.Style, text)
			blanks = 0
		}
		blanks += short
	}
	_, _ = io.WriteString(to, "\n")
}

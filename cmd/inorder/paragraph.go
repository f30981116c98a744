package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"inorder/internal/api"
	"inorder/internal/terminal"
)

// writeParagraph writes a title and a text, broken at blanks to fit the terminal.
func writeParagraph(to *terminal.Writer, title, text string) {
	paintParagraph(to, terminal.Plain, title, text)
}

// paintParagraph is writeParagraph in a style. The lines after the first begin below the text; if the title takes more than half of the
// terminal, two characters from the left.
func paintParagraph(to *terminal.Writer, style terminal.Style, title, text string) {
	indent := runewidth.StringWidth(title)
	if used := indent; to.Width() > 0 && used > to.Width()/2 {
		indent = 2
	}
	to.Paint(style, broken(title, text, indent, to.Width()))
	fmt.Fprintln(to)
}

// broken returns a title and a text in lines of that width; 0 means any width.
func broken(title, text string, indent, width int) string {
	var b strings.Builder
	b.WriteString(title)
	used := runewidth.StringWidth(title)
	for i, word := range unbreakable(text) {
		n := runewidth.StringWidth(word)
		switch {
		case i > 0 && width > 0 && used+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		case i > 0:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// unbreakable splits a text at blanks, except between backquotes: people copy what stands there.
func unbreakable(text string) (list []string) {
	open := false
	for _, word := range strings.Fields(text) {
		if open {
			list[len(list)-1] += " " + word
		} else {
			list = append(list, word)
		}
		open = open != (strings.Count(word, "`")%2 == 1)
	}
	return list
}

// noteMissing prints which sources did not answer.
func noteMissing(out io.Writer, missing []api.Missing) {
	for _, m := range missing {
		text := m.Source + ": " + line(m.Why)
		if to, ok := out.(*terminal.Writer); ok {
			writeParagraph(to, "! ", text)
		} else {
			fmt.Fprintln(out, "! "+text)
		}
	}
}

// fact is a value with its name, on a line. One without a value is not shown.
type fact struct{ name, value string }

func writeFacts(to *terminal.Writer, facts []fact) {
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		name := fmt.Sprintf("%-14s", f.name)
		to.Paint(terminal.Dim, name)
		value := broken(name, line(f.value), len(name), to.Width())
		fmt.Fprintln(to, strings.TrimPrefix(value, name))
	}
}

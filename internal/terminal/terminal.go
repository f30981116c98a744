// Package terminal keeps text that others wrote from controlling the terminal that shows it: names, URLs and errors of the platform,
// events, and what strangers send. Only this package writes control sequences: colours, and clearing the screen. Its callers decide
// what is shown where, and in which colour.
package terminal

import (
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// Writer cleans everything that is written to it: a character that a terminal would obey, or that changes the order of text,
// becomes an escape such as \u001b. Newlines and tabs stay. Invalid UTF-8 becomes U+FFFD.
//
// The escapes are those of JSON, where the same characters occur only within strings. So a JSON document stays valid, and keeps
// its meaning.
//
// Several goroutines may write. A character may be split over two writes; its first part is held back until the second
// one, or Flush.
type Writer struct {
	mu   sync.Mutex
	to   io.Writer
	rest []byte // the beginning of a character
	screen
}

// NewWriter returns a Writer that writes clean text to another writer. If that is a terminal, the Writer knows its size.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to, screen: screenOf(to)} }

// Write writes whole characters. It returns how many of p's bytes it took, which may be fewer than it writes.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		p = append(w.rest, p...)
	}
	before, whole := len(w.rest), wholeCharacters(p)
	w.rest = append([]byte(nil), p[whole:]...)
	if whole > 0 {
		if _, err := w.to.Write(clean(p[:whole])); err != nil {
			return 0, err
		}
	}
	return len(p) - before, nil
}

// Flush writes U+FFFD for the beginning of a character that was held back, because the rest never came.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 {
		return nil
	}
	w.rest = nil
	_, err := io.WriteString(w.to, string(utf8.RuneError))
	return err
}

// Line returns s as a part of one line: clean, without newlines and tabs, and cut to that many characters.
func Line(s string, most int) string {
	var line []byte
	n := 0
	for _, r := range s {
		if n == most {
			return string(line) + "…"
		}
		n++
		if r == '\n' || r == '\t' {
			line = appendEscape(line, r)
		} else {
			line = appendClean(line, r)
		}
	}
	return string(line)
}

// wholeCharacters returns the length of p without an incomplete character at its end.
func wholeCharacters(p []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if last := p[len(p)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return len(p) - i
			}
			break
		}
	}
	return len(p)
}

func clean(p []byte) []byte {
	cleaned := make([]byte, 0, len(p))
	for _, r := range string(p) {
		cleaned = appendClean(cleaned, r)
	}
	return cleaned
}

func appendClean(to []byte, r rune) []byte {
	if isUnsafe(r) {
		return appendEscape(to, r)
	}
	return utf8.AppendRune(to, r)
}

func appendEscape(to []byte, r rune) []byte { return fmt.Appendf(to, `\u%04x`, r) }

func isUnsafe(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f: // C0 with ESC and carriage return, DEL, C1
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // they change the order of text
		return true
	}
	return r == 0x2028 || r == 0x2029 // they end lines and paragraphs
}

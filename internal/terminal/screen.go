package terminal

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/term"
)

// Style is how a text is shown on a terminal with colours.
type Style string

const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// screen is the terminal that is written to. The zero value means none.
type screen struct {
	size   func() (width, height int, err error)
	colour bool
}

// sized is a terminal that is not a file, such as a test's.
type sized interface{ Size() (width, height int) }

func screenOf(to io.Writer) (s screen) {
	switch to := to.(type) {
	case *os.File:
		if fd := int(to.Fd()); term.IsTerminal(fd) {
			s.size = func() (int, int, error) { return term.GetSize(fd) }
		}
	case sized:
		s.size = func() (int, int, error) { w, h := to.Size(); return w, h, nil }
	}
	// People set NO_COLOR to get no colours from any program: https://no-color.org
	s.colour = s.size != nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// IsTerminal reports whether the output goes to a terminal, where a person sees it.
func (s screen) IsTerminal() bool { return s.size != nil }

// Width returns the terminal's width in characters; 0 if there is no terminal, so nothing is to be cut.
func (s screen) Width() int {
	width, _ := s.sizes()
	return width
}

func (s screen) sizes() (width, height int) {
	if s.size == nil {
		return 0, 0
	}
	width, height, err := s.size()
	if err != nil || width <= 0 || height <= 0 { // as on a serial line
		return 80, 24
	}
	return width, height
}

// IsPerson reports whether the input comes from a person at a terminal, who can be asked.
func IsPerson(r io.Reader) bool {
	switch r := r.(type) {
	case *os.File:
		return term.IsTerminal(int(r.Fd()))
	case interface{ IsPerson() bool }: // a test's
		return r.IsPerson()
	}
	return false
}

// Paint writes a text in a style, if colours are wanted.
func (w *Writer) Paint(style Style, text string) {
	if w.colour && style != Plain {
		w.obey("\x1b[" + string(style) + "m")
		defer w.obey("\x1b[0m")
	}
	_, _ = io.WriteString(w, text)
}

// Redraw replaces what the screen shows by what draw writes, as many lines as fit. Without a terminal, it appends what draw writes.
// If draw fails, nothing is written.
func (w *Writer) Redraw(draw func(*Writer) error) error {
	var frame bytes.Buffer
	if err := draw(&Writer{to: &frame, screen: w.screen}); err != nil {
		return err
	}
	text := frame.Bytes()
	if w.IsTerminal() {
		_, height := w.sizes()
		text = append([]byte("\x1b[H\x1b[2J"), firstLines(text, height-1)...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.to.Write(text)
	return err
}

func firstLines(text []byte, most int) []byte {
	end := 0
	for range most {
		next := bytes.IndexByte(text[end:], '\n')
		if next < 0 {
			return text
		}
		end += next + 1
	}
	return text[:end]
}

// obey writes a control sequence, which the terminal obeys.
func (w *Writer) obey(sequence string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = io.WriteString(w.to, sequence)
}

package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type fakeScreen struct {
	bytes.Buffer
	width, height int
}

func (f *fakeScreen) Size() (int, int) { return f.width, f.height }

func TestColoursAreForTerminalsOnly(t *testing.T) {
	painted := func() (terminal, file string) {
		var s fakeScreen
		var b bytes.Buffer
		NewWriter(&s).Paint(Red, "bad \x1b[2J")
		NewWriter(&b).Paint(Red, "bad \x1b[2J")
		return s.String(), b.String()
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	terminal, file := painted()
	require.Equal(t, "\x1b[31mbad \\u001b[2J\x1b[0m", terminal)
	require.Equal(t, `bad \u001b[2J`, file)

	t.Setenv("NO_COLOR", "1")
	terminal, _ = painted()
	require.Equal(t, `bad \u001b[2J`, terminal)

	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	terminal, _ = painted()
	require.Equal(t, `bad \u001b[2J`, terminal)
}

func TestWidth(t *testing.T) {
	require.Zero(t, NewWriter(&bytes.Buffer{}).Width())
	require.Equal(t, 40, NewWriter(&fakeScreen{width: 40, height: 20}).Width())
	require.Equal(t, 80, NewWriter(&fakeScreen{}).Width(), "one that does not know")
}

func TestRedraw(t *testing.T) {
	draw := func(w *Writer) error {
		for i := range 9 {
			fmt.Fprintf(w, "line %d\x1b[2J\n", i)
		}
		return nil
	}
	s := &fakeScreen{width: 40, height: 5}
	require.NoError(t, NewWriter(s).Redraw(draw))
	require.True(t, strings.HasPrefix(s.String(), "\x1b[H\x1b[2Jline 0\\u001b"), s.String())
	require.Equal(t, 4, strings.Count(s.String(), "\n"), "the screen's last line stays free")

	var b bytes.Buffer
	require.NoError(t, NewWriter(&b).Redraw(draw))
	require.Equal(t, 9, strings.Count(b.String(), "\n"))
	require.NotContains(t, b.String(), "\x1b")

	b.Reset()
	require.EqualError(t, NewWriter(&b).Redraw(func(w *Writer) error { fmt.Fprint(w, "half"); return errors.New("gone") }), "gone")
	require.Empty(t, b.String())
}

package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var nasty = map[string]struct{ text, want string }{
	"plain":                   {"order_1 is paid\n\tyes", "order_1 is paid\n\tyes"},
	"other scripts":           {"주문 заказ 🛒 e\u0301 \u05d0\u05d1 \u0627 👩\u200d🚀", "주문 заказ 🛒 e\u0301 \u05d0\u05d1 \u0627 👩\u200d🚀"},
	"a replacement character": {"a\ufffdb", "a\ufffdb"},
	"clears the screen":       {"a\x1b[2J\x1b[Hb", `a\u001b[2J\u001b[Hb`},
	"sets the title":          {"\x1b]0;pwned\a", `\u001b]0;pwned\u0007`},
	"overwrites the line":     {"refused\raccepted", `refused\u000daccepted`},
	"CR and LF":               {"a\r\nb", "a\\u000d\nb"},
	"backspaces and NUL":      {"ab\b\b\x00\v\f", `ab\u0008\u0008\u0000\u000b\u000c`},
	"DEL":                     {"a\x7fb", `a\u007fb`},
	"C1":                      {"a\u009b2Jb\u0085\u0080\u009f\u00a0", "a\\u009b2Jb\\u0085\\u0080\\u009f\u00a0"},
	"C1 in one byte":          {"a\x9b2Jb", "a\ufffd2Jb"},
	"invalid UTF-8":           {"a\xff\xc3(\xed\xa0\x80b", "a\ufffd\ufffd(\ufffd\ufffd\ufffdb"},
	"bidirectional marks": {"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
		`\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c`},
	"separators": {"a\u2028b\u2029c", `a\u2028b\u2029c`},
	"empty":      {"", ""},
}

func TestWriterCleans(t *testing.T) {
	t.Parallel()
	for name, tc := range nasty {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := NewWriter(&out)
			n, err := w.Write([]byte(tc.text))
			require.NoError(t, err)
			require.Equal(t, len(tc.text), n)
			require.NoError(t, w.Flush())
			require.Equal(t, tc.want, out.String())
		})
		t.Run(name+", byte by byte", func(t *testing.T) {
			var out bytes.Buffer
			w := NewWriter(&out)
			_, err := io.Copy(struct{ io.Writer }{w}, iotest.OneByteReader(strings.NewReader(tc.text)))
			require.NoError(t, err)
			require.NoError(t, w.Flush())
			require.Equal(t, tc.want, out.String())
		})
	}
}

func TestWriterAtEverySplit(t *testing.T) {
	t.Parallel()
	var text, want string
	for _, tc := range nasty {
		text, want = text+tc.text, want+tc.want
	}
	for i := range len(text) {
		var out bytes.Buffer
		w := NewWriter(&out)
		for _, part := range []string{text[:i], text[i:]} {
			n, err := io.WriteString(w, part)
			require.NoError(t, err)
			require.Equal(t, len(part), n)
		}
		require.NoError(t, w.Flush())
		require.Equal(t, want, out.String(), "split at %d", i)
	}
}

func TestWriterHoldsBackOnlyWhatIsNoCharacterYet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out)
	_, err := io.WriteString(w, "paid 🛒"[:len("paid 🛒")-1])
	require.NoError(t, err)
	require.Equal(t, "paid ", out.String())
	require.NoError(t, w.Flush())
	require.NoError(t, w.Flush())
	require.Equal(t, "paid \ufffd", out.String())
}

func TestJSONStaysWhatItSays(t *testing.T) {
	t.Parallel()
	for name, tc := range nasty {
		t.Run(name, func(t *testing.T) {
			var plain, out bytes.Buffer
			for _, to := range []io.Writer{&plain, NewWriter(&out)} {
				e := json.NewEncoder(to)
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				require.NoError(t, e.Encode(map[string]any{"url": tc.text, tc.text: []string{tc.text}}))
			}
			var want, got any
			require.NoError(t, json.Unmarshal(plain.Bytes(), &want))
			require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
			require.Equal(t, want, got)
			require.NotRegexp(t, `[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{200e}\x{202e}]`, out.String())
		})
	}
}

func TestWriterTellsErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	n, err := NewWriter(failing{broken}).Write([]byte("a"))
	require.ErrorIs(t, err, broken)
	require.Zero(t, n)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriterOfSeveralGoroutines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer // without a lock of its own
	w := NewWriter(&out)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 100 {
				fmt.Fprintf(w, "%d\x1b\n", i)
			}
		})
	}
	group.Wait()
	require.Equal(t, 800, strings.Count(out.String(), "\\u001b\n"))
}

func TestLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, `a\u001b[2Jb\u000ac\u0009d`, Line("a\x1b[2Jb\nc\td", 200))
	require.Equal(t, "주문…", Line("주문 1", 2))
	require.Equal(t, "주문", Line("주문", 2))
	require.Equal(t, "a\ufffd", Line("a\xff", 200))
}

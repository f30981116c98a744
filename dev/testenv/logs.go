package testenv

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
)

// Output keeps what a program or a logger writes. It may be read while it's written to. The zero value is empty.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all that was written since the last Reset.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Reset forgets what was written.
func (o *Output) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// Logs returns a logger, from level Info on, and the lines that it wrote. They are shown if the test fails.
func Logs(t testing.TB) (*slog.Logger, *Output) {
	out := &Output{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("it logged:\n" + out.String())
		}
	})
	return slog.New(slog.NewTextHandler(out, nil)), out
}

package testenv

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
)

// Output keeps what a program or a logger writes. It is safe for concurrent use. The zero value is empty and ready to use.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns everything written since the last Reset.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Reset discards what was written.
func (o *Output) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// Logs returns a logger with level Info and the Output that it writes to. If the test fails, it prints the output.
func Logs(t testing.TB) (*slog.Logger, *Output) {
	out := &Output{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the log:\n" + out.String())
		}
	})
	return slog.New(slog.NewTextHandler(out, nil)), out
}

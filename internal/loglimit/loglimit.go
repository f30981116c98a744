// Package loglimit logs what an outsider or an outage can multiply: requests that are refused, probes that fail. What
// happens a few times a day belongs in a plain slog.Logger.
package loglimit

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Logger writes the first line of each kind at once. Then it counts, and writes at most one line of that kind per
// interval: the newest one, with the number of lines as "lines" and the time over which they were counted as "within".
// So a kind costs two lines in its first interval and one in each that follows, however often it happens. It is safe for
// use by several goroutines.
//
// The kinds should be a closed set, such as constants in the code: each keeps its newest line in memory for an interval. When
// there are too many, the further ones are counted as one.
type Logger struct {
	log   *slog.Logger
	every time.Duration

	mu    sync.Mutex
	kinds map[string]*kind
}

// kind is what happened since its last line was written.
type kind struct {
	timer *time.Timer
	since time.Time
	count int

	ctx     context.Context // the newest line
	level   slog.Level
	message string
	attrs   []any
}

// Every is the interval that suits a log that people read.
const Every = 30 * time.Second

// most is how many kinds there may be at once, beside that of all others.
const most = 100

// others cannot be the name of a kind by mistake.
const others = "\x00others"

// New returns a Logger that writes to log. Call Flush when the process stops.
func New(log *slog.Logger, every time.Duration) *Logger {
	return &Logger{log: log, every: every, kinds: map[string]*kind{}}
}

// Log logs the message with its attributes, now or counted. The attributes are kept, so they may not change afterwards.
func (l *Logger) Log(level slog.Level, name, message string, attrs ...any) {
	l.LogContext(context.Background(), level, name, message, attrs...)
}

// LogContext is Log for a line that belongs to the trace in ctx, if there is one. The context is kept like the attributes.
func (l *Logger) LogContext(ctx context.Context, level slog.Level, name, message string, attrs ...any) {
	if !l.log.Enabled(ctx, level) {
		return
	}
	if l.isFirst(ctx, level, name, message, attrs) {
		l.log.Log(ctx, level, message, attrs...)
	}
}

func (l *Logger) isFirst(ctx context.Context, level slog.Level, name, message string, attrs []any) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kinds[name] == nil && len(l.kinds) >= most {
		name = others
	}
	if k := l.kinds[name]; k != nil {
		k.count++
		k.ctx, k.level, k.message, k.attrs = ctx, level, message, attrs
		return false
	}
	k := &kind{since: time.Now()}
	k.timer = time.AfterFunc(l.every, func() { l.tick(name, k) })
	l.kinds[name] = k
	return true
}

// tick ends an interval of a kind. One in which nothing happened ends the kind: its next line is a first one again.
func (l *Logger) tick(name string, k *kind) {
	l.mu.Lock()
	if l.kinds[name] != k { // flushed meanwhile
		l.mu.Unlock()
		return
	}
	write := k.take()
	if write == nil {
		delete(l.kinds, name)
	} else {
		k.timer.Reset(l.every)
	}
	l.mu.Unlock()
	if write != nil {
		write(l.log)
	}
}

// Flush writes what is counted. The next line of each kind is a first one again.
func (l *Logger) Flush() {
	l.mu.Lock()
	kinds := l.kinds
	l.kinds = map[string]*kind{}
	var writes []func(*slog.Logger)
	for _, k := range kinds {
		k.timer.Stop()
		if write := k.take(); write != nil {
			writes = append(writes, write)
		}
	}
	l.mu.Unlock()
	for _, write := range writes {
		write(l.log)
	}
}

// take returns a function that writes the counted lines, or nil if there are none, and starts a new count. It runs under
// the lock; the function must not, because a log may be slow.
func (k *kind) take() func(*slog.Logger) {
	within := time.Since(k.since)
	k.since = time.Now()
	if k.count == 0 {
		return nil
	}
	ctx, level, message := k.ctx, k.level, k.message
	attrs := append(k.attrs[:len(k.attrs):len(k.attrs)], "lines", k.count, "within", within.Round(time.Second).String())
	k.count, k.ctx, k.attrs = 0, nil, nil
	return func(log *slog.Logger) { log.Log(ctx, level, message, attrs...) }
}

// maxLine is in bytes. The rest of a longer error mostly repeats its beginning.
const maxLine = 300

// OneLine returns the error's text in one line of bounded length. pgx, for one, writes a line for each address that it tried,
// often the same one twice.
func OneLine(err error) string {
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(err.Error()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": "), "?")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + " …"
	}
	return text
}

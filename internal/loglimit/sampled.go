package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Sampled writes every line as long as there are few: so many a second, and twice as many at once. It counts the others by message, and
// writes the counts at most once per interval, as "lines_left_out" and "within". It is safe for use by several goroutines. Messages must
// be constants in the code.
type Sampled struct {
	log   *slog.Logger
	every time.Duration
	room  *rate.Limiter

	mu    sync.Mutex
	timer *time.Timer // nil while nothing is counted
	since time.Time
	left  map[leftOut]int
}

type leftOut struct {
	level   slog.Level
	message string
}

// NewSampled returns a Sampled that writes to log. Call Flush when the process stops.
func NewSampled(log *slog.Logger, perSecond int, every time.Duration) *Sampled {
	return &Sampled{log: log, every: every, room: rate.NewLimiter(rate.Limit(perSecond), 2*perSecond), left: map[leftOut]int{}}
}

// Log writes the line, or counts it. attrs is called only if the line is written.
func (s *Sampled) Log(ctx context.Context, level slog.Level, message string, attrs func() []any) {
	if !s.log.Enabled(ctx, level) {
		return
	}
	if s.room.Allow() {
		s.log.Log(ctx, level, message, attrs()...)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left[leftOut{level, message}]++
	if s.timer == nil {
		s.since = time.Now()
		s.timer = time.AfterFunc(s.every, s.Flush)
	}
}

// Flush writes what was counted.
func (s *Sampled) Flush() {
	s.mu.Lock()
	left, within := s.left, time.Since(s.since)
	s.left = map[leftOut]int{}
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.mu.Unlock()
	for l, n := range left {
		s.log.Log(context.Background(), l.level, l.message, "lines_left_out", n, "within", within.Round(time.Second).String())
	}
}

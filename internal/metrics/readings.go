// Package metrics shows to Prometheus what belongs to no single package: what PostgreSQL and Temporal know of all processes together, the pools
// of connections, Temporal's SDK, and the build. A package that counts something itself has the metrics for it.
package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"inorder/internal/await"
	"inorder/internal/loglimit"
	"inorder/internal/store"
	"inorder/internal/store/view"
	"inorder/internal/traffic"
)

// Options are what Readings read.
type Options struct {
	// Postgres reads the tables; nil in a process without DATABASE_URL.
	Postgres func(context.Context) (view.Readings, error)
	// Applying asks Temporal how many events are being applied, and when the run of the oldest started.
	Applying func(context.Context) (n int, oldest time.Time, err error)
	Traffic  *traffic.Recorder // which knows of this process's events before the table does
	Log      *loglimit.Logger
}

const (
	readEvery    = 10 * time.Second
	readTemporal = 15 * time.Second // Temporal answers only about ten such questions a second, from all processes
	readTimeout  = 5 * time.Second
	// keptFor is how long a reading is shown, so that a failed one in between leaves no gap.
	keptFor = 45 * time.Second
)

// Readings read both servers in the background, and are a prometheus.Collector of what they said last. What is not known is not shown.
type Readings struct {
	o        Options
	postgres source[view.Readings]
	temporal source[applying]

	mu       sync.Mutex
	expected map[store.Job]bool
}

// applying is how many events are being applied, and for how long the oldest has been.
type applying view.Reading

// NewReadings returns readings that begin once Run is called.
func NewReadings(o Options) *Readings { return &Readings{o: o, expected: map[store.Job]bool{}} }

// Expect says that this process runs these jobs when their schedules say so.
func (r *Readings) Expect(jobs ...store.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		r.expected[j] = true
	}
}

// Run reads until ctx ends.
func (r *Readings) Run(ctx context.Context) {
	var both sync.WaitGroup
	defer both.Wait()
	if r.o.Postgres != nil {
		both.Go(func() { r.postgres.read(ctx, r.o.Log, "PostgreSQL", readEvery, r.o.Postgres) })
	}
	both.Go(func() { r.temporal.read(ctx, r.o.Log, "Temporal", readTemporal, r.applying) })
}

func (r *Readings) applying(ctx context.Context) (applying, error) {
	n, oldest, err := r.o.Applying(ctx)
	a := applying{Count: n}
	if !oldest.IsZero() {
		a.Oldest = max(0, time.Since(oldest))
	}
	return a, err
}

// source keeps what a server said last.
type source[T any] struct {
	mu    sync.Mutex
	said  T
	at    time.Time // when; zero for never
	up    bool      // whether it answered the last time
	asked bool
}

// read asks the server at intervals until ctx ends.
func (s *source[T]) read(ctx context.Context, log *loglimit.Logger, server string, every time.Duration, ask func(context.Context) (T, error)) {
	for {
		within, cancel := context.WithTimeout(ctx, readTimeout)
		said, err := ask(within)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Log(slog.LevelWarn, "read "+server, server+" can't be read for the metrics", "cause", loglimit.OneLine(err))
		}
		s.keep(said, err)
		if await.Sleep(ctx, every) != nil {
			return
		}
	}
}

func (s *source[T]) keep(said T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.up = true, err == nil
	if err == nil {
		s.said, s.at = said, time.Now()
	}
}

// state is what a source knows at one moment.
type state[T any] struct {
	said      T
	at        time.Time
	known     bool // said is new enough to be shown
	up, asked bool
}

func (s *source[T]) state() state[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return state[T]{s.said, s.at, !s.at.IsZero() && time.Since(s.at) < keptFor, s.up, s.asked}
}

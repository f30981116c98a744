// Package peers has the systems that inorder is compared with. Each has inorder's receiver, so that signature, parsing and HTTP are
// the same, but processes events differently behind it. Each applies an event with the same transaction, in a process of its own.
package peers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/delivery"
	"inorder/migrations"
	"inorder/receiver"
)

// Secret is the secret with which all subjects verify deliveries. It protects nothing.
const Secret = "whsec_bench_0123456789abcdef0123456789"

// EndedVariable is the variable with the address where the empty workflow's process serves its number of ended events: it writes no rows.
const EndedVariable = "BENCH_ENDED_ADDR"

// start starts a peer, and returns the Starter that accepts its events. stop stops the peer.
type start func(ctx context.Context, log *slog.Logger) (_ receiver.Starter, stop func(), err error)

var all = map[string]start{
	"plain":          startPlain,
	"empty":          startEmpty,
	"activity":       startActivity,
	"river":          startRiver(riverTuned),
	"river-defaults": startRiver(riverDefaults),
	"dbos":           startDBOS,
}

// Has reports whether there is a peer with that name.
func Has(name string) bool { return all[name] != nil }

// Run runs a peer until ctx ends. It reads inorder's settings from the environment.
func Run(ctx context.Context, name string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	starter, stop, err := all[name](ctx, log)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	defer stop()
	r := receiver.New(receiver.Options{
		Starter:      starter,
		StarterName:  name,
		TaskQueue:    os.Getenv("TASK_QUEUE"),
		Verifier:     delivery.Secrets{Secret},
		MaxBodyBytes: 1 << 20,
		Log:          log,
	})
	if addr := os.Getenv(EndedVariable); addr != "" {
		go http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ended.Load()) }))
	}
	return r.Run(ctx, os.Getenv("LISTEN_ADDR"))
}

// ended counts the empty workflows that have ended.
var ended atomic.Int64

// retryAfter is how long a peer waits before it retries an event whose order is missing. Unlike in inorder, nothing wakes the event earlier.
const retryAfter = 100 * time.Millisecond

// maxConns is the size of a peer's pool, the same as inorder's.
const maxConns = 16

// openDatabase opens the peer's own database, and migrates it to this build's schema.
func openDatabase(ctx context.Context, log *slog.Logger) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = maxConns
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := migrations.Apply(ctx, pool, log); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Package peers is what inorder is measured beside. Each has inorder's receiver, so that signature, parsing and HTTP are the
// same, and another way to the end behind it; each applies an event by the same transaction. It runs in a process of its own.
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

// Secret is what all subjects verify with. It protects nothing.
const Secret = "whsec_bench_0123456789abcdef0123456789"

// EndedVariable names the setting of the address where the empty workflow's process says how many ended: it leaves no rows to count.
const EndedVariable = "BENCH_ENDED_ADDR"

// start makes a peer ready, and returns how it takes an event. stop ends it.
type start func(ctx context.Context, log *slog.Logger) (_ receiver.Starter, stop func(), err error)

var all = map[string]start{
	"plain":          startPlain,
	"empty":          startEmpty,
	"activity":       startActivity,
	"river":          startRiver(riverTuned),
	"river-defaults": startRiver(riverDefaults),
	"dbos":           startDBOS,
}

// Has reports whether there is a peer of that name.
func Has(name string) bool { return all[name] != nil }

// Run runs a peer until ctx ends. Its settings are those of inorder, in the environment.
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

// ended is how many empty workflows ended.
var ended atomic.Int64

// retryAfter is when a peer tries an event again whose order is missing. Nothing wakes it when the order is created, as inorder does.
const retryAfter = 100 * time.Millisecond

// maxConns is the size of a peer's pool, as of inorder's.
const maxConns = 16

// openDatabase opens the peer's own database, and gives it the schema of this program's code.
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

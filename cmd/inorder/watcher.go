package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder"
	"inorder/internal/config"
	"inorder/internal/store"
	"inorder/workflows"
)

// watcher knows what became of events: from the tables, and, for those that are in none yet, from their workflow.
type watcher struct {
	pool     *pgxpool.Pool
	temporal client.Client
	events   *store.Store
}

// newWatcher connects to nothing yet. The caller closes.
func newWatcher(ctx context.Context, c config.Config) (*watcher, error) {
	pool, err := pgxpool.NewWithConfig(ctx, c.Pool)
	if err != nil {
		return nil, fmt.Errorf("make the PostgreSQL pool: %w", err)
	}
	c.Temporal.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	temporal, err := client.NewLazyClient(c.Temporal)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("make the Temporal client: %w", err)
	}
	return &watcher{pool, temporal, store.New(pool)}, nil
}

func (w *watcher) close() {
	w.temporal.Close()
	w.pool.Close()
}

// States reads the tables.
func (w *watcher) States(ctx context.Context, eventIDs []string) ([]store.EventState, error) {
	return w.events.States(ctx, eventIDs)
}

// Ask completes the state of an event from its workflow, if that can be asked within two seconds.
func (w *watcher) Ask(ctx context.Context, e store.EventState) store.EventState {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	value, err := w.temporal.QueryWorkflow(ctx, e.ID, "", workflows.QueryState)
	var state workflows.State
	if err != nil || value.Get(&state) != nil {
		return e
	}
	if state.Phase == workflows.PhaseAttention {
		e.Outcome, e.Detail = inorder.Attention, state.Detail
	}
	return e
}

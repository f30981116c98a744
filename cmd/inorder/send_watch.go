package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder"
	"inorder/internal/config"
	"inorder/internal/sample"
	"inorder/workflows"
)

// watcher looks where events are: in the tables, and, for those that could not be written there yet, in their workflow.
type watcher struct {
	pool     *pgxpool.Pool
	temporal client.Client
}

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
	return &watcher{pool, temporal}, nil
}

func (w *watcher) close() {
	w.temporal.Close()
	w.pool.Close()
}

// place is where an event is. Outcome is empty while it is on its way.
type place struct {
	ID       string
	Outcome  inorder.Outcome
	Detail   string
	Released bool // it waits, but its order is there: it will go on at once
}

const selectPlacesSQL = `
SELECT e.id, coalesce(w.outcome, p.phase, '') AS outcome,
       coalesce(w.detail, CASE WHEN p.phase = 'attention' THEN p.detail WHEN p.event_id IS NOT NULL THEN 'its order does not exist yet' END, '') AS detail,
       p.event_id IS NOT NULL AND p.phase <> 'attention' AND o.id IS NOT NULL AS released
FROM unnest($1::text[]) WITH ORDINALITY AS e(id, n)
LEFT JOIN webhook_events w ON w.event_id = e.id
LEFT JOIN pending_events p ON p.event_id = e.id
LEFT JOIN orders o ON o.id = p.order_id
ORDER BY e.n`

func idsOf(events []sample.Options) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}

func (w *watcher) places(ctx context.Context, ids []string) ([]place, error) {
	rows, err := w.pool.Query(ctx, selectPlacesSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("look for the events: %w", err)
	}
	places, err := pgx.CollectRows(rows, pgx.RowToStructByName[place])
	if err != nil {
		return nil, fmt.Errorf("look for the events: %w", err)
	}
	return places, nil
}

const (
	pollEvery = 50 * time.Millisecond
	// askAfter is how long an event may be in no table before its workflow is asked.
	askAfter = time.Second
)

// settle returns when no event is on its way any more, or false after wait.
func (w *watcher) settle(ctx context.Context, events []sample.Options, wait time.Duration) (bool, error) {
	began := time.Now()
	for {
		places, err := w.places(ctx, idsOf(events))
		if err != nil {
			return false, err
		}
		moving := 0
		for _, p := range places {
			if p.Outcome == "" && time.Since(began) > askAfter {
				p = w.ask(ctx, p)
			}
			if p.Outcome == "" || p.Released {
				moving++
			}
		}
		if moving == 0 || time.Since(began) > wait {
			return moving == 0, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(pollEvery):
		}
	}
}

// ask completes a place from what the event's workflow says, if it can be asked.
func (w *watcher) ask(ctx context.Context, p place) place {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	value, err := w.temporal.QueryWorkflow(ctx, p.ID, "", workflows.QueryState)
	var state workflows.State
	if err != nil || value.Get(&state) != nil {
		return p
	}
	if state.Phase == workflows.PhaseAttention {
		p.Outcome, p.Detail = inorder.Attention, state.Detail
	}
	return p
}

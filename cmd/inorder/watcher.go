package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/internal/store"
	"inorder/workflows"
)

// watcher returns what became of events: from the tables, or from its workflow if an event is in no table yet.
type watcher struct {
	*store.Store
	temporal client.Client
}

func (s *servers) watcher() *watcher { return &watcher{store.New(s.pool), s.temporal} }

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

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/await"
	"inorder/internal/store"
	"inorder/workflows"
)

// watcher returns what became of events: from the tables, or from the workflow of an event that is in no table yet.
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

// recent returns the events of the last minute or two, with their types. The difference between two calls is what arrived in
// between, so no clocks are compared.
func (h *hooksClients) recent(ctx context.Context) (map[string]string, error) {
	found := h.recentWorkflows(ctx)
	list, err := store.New(h.pool).Recent(ctx)
	maps.Copy(found, list)
	return found, err
}

// recentWorkflows returns the workflows of the last two minutes, which may be in no table yet. Without Temporal it returns none.
func (h *hooksClients) recentWorkflows(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	found := map[string]string{}
	list, err := h.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 200, // the newest
		Query: fmt.Sprintf("WorkflowType = %q AND TaskQueue = %q AND StartTime > %q", workflows.ProcessEventType, h.TaskQueue,
			time.Now().Add(-2*time.Minute).UTC().Format(time.RFC3339)),
	})
	if err != nil {
		return found
	}
	for _, e := range list.Executions {
		var eventType string
		_ = converter.GetDefaultDataConverter().FromPayload(e.GetSearchAttributes().GetIndexedFields()[workflows.EventTypeKey.GetName()], &eventType)
		found[e.GetExecution().GetWorkflowId()] = eventType
	}
	return found
}

// awaitArrival polls for events that were not there before, until none of them is being processed or the time is up. If some are of the
// type that was asked for, it returns only those.
func (h *hooksClients) awaitArrival(ctx context.Context, eventType string, before map[string]string, wait time.Duration) (map[string]store.EventState, error) {
	for began := time.Now(); ; {
		now, err := h.recent(ctx)
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(now, func(id, _ string) bool { _, old := before[id]; return old })
		asked := maps.Clone(now)
		maps.DeleteFunc(asked, func(_, t string) bool { return t != eventType })
		if len(asked) > 0 {
			now = asked
		}
		arrived, settled, err := h.states(ctx, slices.Collect(maps.Keys(now)))
		if err != nil || settled || time.Since(began) > wait {
			return arrived, err
		}
		if err := await.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// states returns the states of events; settled reports whether there are any and none is being processed.
func (h *hooksClients) states(ctx context.Context, ids []string) (map[string]store.EventState, bool, error) {
	states, err := h.watcher().States(ctx, ids)
	if err != nil {
		return nil, false, err
	}
	found, settled := map[string]store.EventState{}, len(states) > 0
	for i, p := range states {
		if p.Outcome == "" && i < 5 {
			p = h.watcher().Ask(ctx, p)
		}
		found[p.ID] = p
		settled = settled && !p.Moving()
	}
	return found, settled, nil
}

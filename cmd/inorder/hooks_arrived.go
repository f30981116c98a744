package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"inorder/internal/store"
	"inorder/workflows"
)

// selectRecentSQL finds what has come in the last seconds, wherever it is.
const selectRecentSQL = `
SELECT event_id, type FROM webhook_events WHERE processed_at > now() - interval '60 seconds'
UNION
SELECT event_id, type FROM pending_events WHERE received_at > now() - interval '60 seconds'`

// recent are the events of the last minute, with their types. Asked twice, the difference is what arrived in between: no
// clocks are compared.
func (d *hookDesk) recent(ctx context.Context) (map[string]string, error) {
	type row struct{ ID, Type string }
	rows, err := d.pool.Query(ctx, selectRecentSQL)
	if err != nil {
		return nil, fmt.Errorf("look for recent events: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("look for recent events: %w", err)
	}
	found := d.recentWorkflows(ctx)
	for _, r := range list {
		found[r.ID] = r.Type
	}
	return found, nil
}

// recentWorkflows finds also those that need attention, and so are in no table. Without Temporal it finds none.
func (d *hookDesk) recentWorkflows(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	found := map[string]string{}
	list, err := d.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 200, // the newest
		Query: fmt.Sprintf("WorkflowType = %q AND TaskQueue = %q AND StartTime > %q", workflows.ProcessEventType, d.TaskQueue,
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

// awaitArrival looks for events that were not there before, until one has come to rest or the time is up. Of several, those of
// the type that was asked for count.
func (d *hookDesk) awaitArrival(ctx context.Context, eventType string, before map[string]string, wait time.Duration) (map[string]store.EventState, error) {
	for began := time.Now(); ; {
		now, err := d.recent(ctx)
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(now, func(id, _ string) bool { _, old := before[id]; return old })
		asked := maps.Clone(now)
		maps.DeleteFunc(asked, func(_, t string) bool { return t != eventType })
		if len(asked) > 0 {
			now = asked
		}
		arrived, settled, err := d.whereabouts(ctx, slices.Collect(maps.Keys(now)))
		if err != nil || settled || time.Since(began) > wait {
			return arrived, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// whereabouts tells where events are, and whether there are any and all of them have come to rest.
func (d *hookDesk) whereabouts(ctx context.Context, ids []string) (map[string]store.EventState, bool, error) {
	states, err := d.States(ctx, ids)
	if err != nil {
		return nil, false, err
	}
	found, settled := map[string]store.EventState{}, len(states) > 0
	for i, p := range states {
		if p.Outcome == "" && i < 5 {
			p = d.Ask(ctx, p)
		}
		found[p.ID] = p
		settled = settled && !p.Moving()
	}
	return found, settled, nil
}

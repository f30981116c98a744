package workflows

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"inorder/internal/api"
	"inorder/internal/inspect"
	"inorder/internal/store/view"
	"inorder/internal/sweep"
)

// What operators see of Temporal is the interface inspect.Engine.
var _ inspect.Engine = Events{}

// NextLook implements inspect.Engine.
func (s Events) NextLook(ctx context.Context, workflowID string) (time.Time, error) {
	answer, err := s.Client.QueryWorkflow(ctx, workflowID, "", QueryState)
	if err != nil {
		return time.Time{}, err
	}
	var state State
	if err := answer.Get(&state); err != nil || state.NextAttempt == nil {
		return time.Time{}, err
	}
	return *state.NextAttempt, nil
}

// pagesOfRuns is how many pages of runs are read at most for one page of events, because many runs may come before the page begins.
const pagesOfRuns = 5

// ListRunning implements inspect.Engine. A run without a phase counts as applying: it is on the fast path, or no worker has begun it yet.
func (s Events) ListRunning(ctx context.Context, f api.Filter, states []api.State, after view.Position, limit int) (found view.Found, err error) {
	query := s.runningQuery(f, states, after)
	now := time.Now()
	var next []byte
	for range pagesOfRuns {
		r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.Namespace, PageSize: int32(limit + 1), NextPageToken: next, Query: query})
		if err != nil {
			return found, fmt.Errorf("list the events whose workflow runs: %w", err)
		}
		for _, w := range r.GetExecutions() {
			e := runningEvent(w, now)
			at := view.Position{At: e.ReceivedAt, ID: e.EventID}
			if after != (view.Position{}) && !at.After(after) {
				continue
			}
			found.Events, found.Looked = append(found.Events, e), at
		}
		next = r.GetNextPageToken()
		if len(next) == 0 {
			found.Looked = view.Position{}
			break
		}
		if len(found.Events) > limit {
			break
		}
	}
	if last := len(found.Events) - 1; found.Looked != (view.Position{}) && last > 0 && found.Events[0].ReceivedAt.After(found.Looked.At) {
		// Runs that started within the same microsecond may also be on Temporal's next page. So the next page here begins before all of them.
		found.Looked.ID = afterEveryID
	}
	return found, nil
}

const afterEveryID = "~" // sorts after every event ID, because none contains a byte as large

func (s Events) runningQuery(f api.Filter, states []api.State, after view.Position) string {
	query := []string{"WorkflowType = " + quoted(ProcessEventType), "TaskQueue = " + quoted(s.TaskQueue), s.inStates(states)}
	for key, value := range map[temporal.SearchAttributeKeyKeyword]string{EventTypeKey: f.Type, OrderIDKey: f.OrderID, StoreIDKey: f.StoreID} {
		if value != "" {
			query = append(query, key.GetName()+" = "+quoted(value))
		}
	}
	slices.Sort(query)
	if f.ReceivedAfter != nil {
		query = append(query, "StartTime >= "+quotedTime(*f.ReceivedAfter))
	}
	if f.ReceivedBefore != nil {
		query = append(query, "StartTime < "+quotedTime(*f.ReceivedBefore))
	}
	if after != (view.Position{}) { // its nanoseconds are cut off, so add a microsecond
		query = append(query, "StartTime < "+quotedTime(after.At.Add(time.Microsecond)))
	}
	return strings.Join(query, " AND ")
}

func (s Events) inStates(states []api.State) string {
	var phases []string
	for _, state := range states {
		phases = append(phases, quoted(string(state)))
	}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND (%s IN (%s)", EventPhaseKey.GetName(), strings.Join(phases, ", "))
	if slices.Contains(states, api.StateApplying) {
		query += fmt.Sprintf(" OR %s IS NULL", EventPhaseKey.GetName())
	}
	return query + ")"
}

// quoted returns a text as a string literal of Temporal's query language.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

func quotedTime(t time.Time) string { return quoted(t.UTC().Format(time.RFC3339Nano)) }

// runningEvent returns what the listing of a run says about its event.
func runningEvent(w *workflowpb.WorkflowExecutionInfo, now time.Time) api.Event {
	attribute := func(key temporal.SearchAttributeKeyKeyword) (text string) {
		if p := w.GetSearchAttributes().GetIndexedFields()[key.GetName()]; p != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(p, &text) // an unreadable attribute counts as missing
		}
		return text
	}
	started := w.GetStartTime().AsTime().UTC().Truncate(time.Microsecond)
	e := api.Event{EventID: sweep.EventID(w.GetExecution().GetWorkflowId()), Type: attribute(EventTypeKey), OrderID: attribute(OrderIDKey), StoreID: attribute(StoreIDKey),
		State: api.StateApplying, ReceivedAt: started, AgeSeconds: max(0, now.Sub(started).Seconds())}
	if phase := attribute(EventPhaseKey); phase != "" {
		e.State = api.State(phase)
	}
	return e
}

// CountApplying implements inspect.Engine. Temporal lists only the newest first. So the oldest of many events is approached in a few steps, each of
// which asks for an event older than an age between that of the oldest known event and longestApplying.
func (s Events) CountApplying(ctx context.Context) (n int, oldest time.Time, err error) {
	query := s.runningQuery(api.Filter{}, []api.State{api.StateApplying}, view.Position{})
	counted, err := s.Client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: s.Namespace, Query: query})
	if err != nil || counted.GetCount() == 0 {
		return 0, time.Time{}, err
	}
	const atOnce, steps = 100, 6
	oldest, more, err := s.lastOf(ctx, query, atOnce)
	switch {
	case err != nil || oldest.IsZero(): // all counted events have left the phase since
		return 0, time.Time{}, err
	case !more:
		return int(counted.GetCount()), oldest, nil
	}
	now, longest := time.Now(), longestApplying.Seconds()
	for range steps {
		age := math.Sqrt(max(1, now.Sub(oldest).Seconds()) * longest)
		found, _, err := s.lastOf(ctx, query+" AND StartTime < "+quotedTime(now.Add(-time.Duration(age*float64(time.Second)))), 1)
		if err != nil {
			return 0, time.Time{}, err
		}
		if found.IsZero() {
			longest = age
		} else {
			oldest = found
		}
	}
	return int(counted.GetCount()), oldest, nil
}

// lastOf returns when the last run of a page started, or zero without runs, and whether there are more pages.
func (s Events) lastOf(ctx context.Context, query string, size int32) (started time.Time, more bool, err error) {
	r, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.Namespace, PageSize: size, Query: query})
	if err != nil || len(r.GetExecutions()) == 0 {
		return time.Time{}, false, err
	}
	return r.GetExecutions()[len(r.GetExecutions())-1].GetStartTime().AsTime(), len(r.GetNextPageToken()) > 0, nil
}

// longestApplying is the longest time in applying that CountApplying tries to measure: it doesn't tell older events apart.
const longestApplying = 32 * 24 * time.Hour

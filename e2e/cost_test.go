package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"inorder/internal/sample"
)

// actions counts the actions that Temporal Cloud bills for a workflow: its start, each attempt of an activity, all local activities
// of a workflow task as one, timers, signals, and changes of search attributes. It can't see heartbeats, which are not in the history.
func (s *system) actions(id string) (actions, events int) {
	history := s.temporal.GetWorkflowHistory(s.t.Context(), id, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	localActivities := map[int64]bool{} // by workflow task
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(s.t, err)
		events++
		switch e.EventType {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			actions++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			actions += int(e.GetActivityTaskStartedEventAttributes().Attempt)
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			if a := e.GetMarkerRecordedEventAttributes(); a.MarkerName == "LocalActivity" {
				localActivities[a.WorkflowTaskCompletedEventId] = true
			}
		}
	}
	return actions + len(localActivities), events
}

// docs/scaling.md quotes these figures.
func TestWhatAnEventCostsInTemporalCloud(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off", "PENDING_RECHECK=1h")
	s.serve()
	alone := s.send(sample.Options{Type: "order.created", OrderID: "order_alone"})
	early := s.send(sample.Options{Type: "order.paid", OrderID: "order_1", At: time.Now().Add(time.Minute)})
	s.eventually("it waits", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })
	creator := s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	for id, cost := range map[string]struct{ actions, events int }{alone: {2, 6}, early: {7, 15}, creator: {3, 12}} {
		actions, events := s.actions(id) // waits until the workflow ends
		require.Equal(t, cost.actions, actions, id)
		require.Equal(t, cost.events, events, id)
	}
}

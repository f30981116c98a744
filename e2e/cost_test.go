package e2e

import (
	"fmt"
	"maps"
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

// cost is what an event costs in Temporal.
type cost struct{ actions, events int }

// docs/scaling.md quotes these figures. A stall adds to them: a local activity or a workflow task that takes seconds is done again. So several
// events of each kind are tried, until one of each has cost what an undisturbed one does; none costs less.
func TestWhatAnEventCostsInTemporalCloud(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off", "PENDING_RECHECK=1h")
	s.serve()
	want := map[string]cost{"alone": {2, 6}, "early": {7, 15}, "creator": {3, 12}}
	least := s.costs("order_0")
	for i := 1; i < 5 && !maps.Equal(want, least); i++ {
		for kind, c := range s.costs(fmt.Sprint("order_", i)) {
			least[kind] = cost{min(c.actions, least[kind].actions), min(c.events, least[kind].events)}
		}
	}
	require.Equal(t, want, least)
}

// costs returns what an event alone costs, one that waits for its order, and the one that creates that order.
func (s *system) costs(order string) map[string]cost {
	ids := map[string]string{"alone": s.send(sample.Options{Type: "order.created", OrderID: order + "_alone"}),
		"early": s.send(sample.Options{Type: "order.paid", OrderID: order, At: time.Now().Add(30 * time.Minute)})}
	s.eventually("it waits", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 1 })
	ids["creator"] = s.send(sample.Options{Type: "order.created", OrderID: order})
	all := map[string]cost{}
	for kind, id := range ids {
		actions, events := s.actions(id) // waits until the workflow ends
		all[kind] = cost{actions, events}
	}
	return all
}

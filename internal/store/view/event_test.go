package view_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func (s *tables) event(id string) api.EventView {
	s.Helper()
	e, found, err := s.Event(s.Context(), id)
	require.NoError(s, err)
	require.True(s, found, id)
	return e
}

func whats(moments []api.Moment) (all []string) {
	for _, m := range moments {
		all = append(all, m.What)
	}
	return all
}

func TestAnEventOfEachState(t *testing.T) {
	s := newTables(t)
	s.oneOfEach()

	e := s.event("evt_stale")
	require.Equal(t, api.StateEnded, e.State)
	require.Equal(t, "nothing that it says was newer than what was already known: because", e.Reason)
	require.JSONEq(t, `{"id":"evt_stale","type":"order.updated","store_id":"store_1"}`, string(e.Payload))
	require.Equal(t, []string{"received", "ended"}, whats(e.Timeline))
	require.Empty(t, e.WorkflowID, "the inbox ended it")
	require.Zero(t, e.AgeSeconds)
	require.Equal(t, "evt_applied", s.event("evt_applied").WorkflowID)

	e = s.event("evt_waiting")
	require.Equal(t, "its order order_2 does not exist yet; the event continues by itself when the order is created", e.Reason)
	require.Equal(t, "evt_waiting", e.WorkflowID)
	require.JSONEq(t, `{"type":"x"}`, string(e.Payload), "as it was received")
	require.Equal(t, []string{"received", "waiting"}, whats(e.Timeline))
	require.Positive(t, e.AgeSeconds)
	s.exec(`UPDATE pending_events SET workflow_id = 'inorder-replay-evt_waiting-1' WHERE event_id = 'evt_waiting'`)
	require.Equal(t, "inorder-replay-evt_waiting-1", s.event("evt_waiting").WorkflowID)

	require.Contains(t, s.event("evt_stuck").Reason, "for longer than STUCK_AFTER")

	e = s.event("evt_attention")
	require.Equal(t, "it can't be applied as it is, and stays until a person decides: there is no order ID", e.Reason)
	require.Equal(t, "null", string(e.Payload), "its body is no JSON")
	require.Nil(t, e.OccurredAt)

	e = s.event("evt_inbox")
	require.Equal(t, "it is in the inbox, and will be retried by itself: later", e.Reason)
	require.Equal(t, at(5), *e.NextAttempt)
	require.Equal(t, "store_2", e.StoreID)
	require.Empty(t, e.WorkflowID)
}

func TestWhatPeopleDidIsInTheTimeline(t *testing.T) {
	s := newTables(t)
	s.ended("evt_1", "order.paid", "order_1", "", "discarded", "workflow", 9)
	s.exec(`INSERT INTO audit_log (at, actor, action, event_id, via, reason, result) VALUES
		($1, 'anna', 'retry', 'evt_1', 'api', 'try', 'signaled'), ($2, 'ben', 'discard', 'evt_1', 'temporal', 'no use', 'discarded'), ($2, 'ben', 'discard', 'evt_2', 'api', '', '')`, at(7), at(8))
	s.exec(`UPDATE webhook_events SET received_at = $1`, at(6))
	e := s.event("evt_1")
	require.Equal(t, []string{"received", "retry", "discard", "ended"}, whats(e.Timeline))
	require.Equal(t, api.Moment{At: at(8), What: "discard", By: "ben", Text: "no use; discarded"}, e.Timeline[2])

	for _, id := range []string{"evt_2", "evt_3", "a\x00", ""} {
		_, found, err := s.Event(t.Context(), id)
		require.NoError(t, err)
		require.False(t, found, id)
	}
}

func TestTheShapeOfAnEvent(t *testing.T) {
	s := newTables(t)
	s.ended("evt_1", "order.paid", "order_1", "store_1", "applied", "workflow", 1)
	text, err := json.Marshal(s.event("evt_1"))
	require.NoError(t, err)
	require.JSONEq(t, `{"event_id":"evt_1","type":"order.paid","order_id":"order_1","store_id":"store_1","state":"ended","outcome":"applied","detail":"because","via":"workflow",
		"occurred_at":"2025-01-15T00:01:00Z","received_at":"2025-01-15T00:01:00Z","processed_at":"2025-01-15T00:01:00Z",
		"payload":{"id":"evt_1","type":"order.paid","store_id":"store_1"},"reason":"it changed its order: because","actions":[],"workflow_id":"evt_1",
		"timeline":[{"at":"2025-01-15T00:01:00Z","what":"received"},{"at":"2025-01-15T00:01:00Z","what":"ended","detail":"applied: because"}]}`, string(text))
}

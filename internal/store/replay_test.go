package store

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder"
)

func TestEventsOnWhichNobodyActedCostNoStatementMore(t *testing.T) {
	s := &tables{T: t}
	x := newTransaction([]Event{s.event(created("evt_1"))}, Options{Decide: Event.Decide})
	b := &pgx.Batch{}
	x.queueActs(b)
	x.queueFormer(b)
	x.decide()
	x.queueAudit(b)
	x.queueGivenUp(b)
	require.Zero(t, b.Len())
	x.queueEnds(b, new(int))
	require.Equal(t, 1, b.Len())
}

func TestTheAuditHasNothingOfAPayload(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.com"
	s := newTables(t)
	body := told("evt_1", "order.created", 0, `{"id":"order_1","status":"`+strings.Repeat(canary, 20)+`","email":"`+canary+`"}`)
	parked := s.event(body)
	require.Equal(t, inorder.Attention, s.apply(body))
	_, err := s.Discard(s.Context(), Event{Event: parked.Event, Change: parked.Change, Act: &Act{ID: "act_1", Actor: "ada", Action: ActDiscard, Via: ViaAPI}}, "why (by ada)")
	require.NoError(t, err)
	replayed := parked
	replayed.Act = &Act{ID: "act_2", Actor: "ada", Action: ActReplay, Reason: "a\x00b", Via: ViaAPI}
	r, err := s.applyOne(s.Context(), replayed, nil)
	require.NoError(t, err)
	require.Equal(t, inorder.Attention, r.Outcome)
	var all string
	require.NoError(t, s.pool.QueryRow(s.Context(), `SELECT string_agg(audit_log::text, ' ') FROM audit_log`).Scan(&all))
	require.NotContains(t, all, canary)
	require.Contains(t, all, "now attention. Previously it had ended as ")
}

func TestAReplayedEventKeepsTheHashOfWhatCame(t *testing.T) {
	t.Parallel()
	s := newTables(t)
	body := told("evt_1", "order.created", 0, `{"id" : "order_1"}`)
	require.Equal(t, inorder.Applied, s.apply(body))
	_, err := s.pool.Exec(s.Context(), `UPDATE webhook_events SET outcome = 'discarded'`)
	require.NoError(t, err)
	e, found, err := s.Ended(s.Context(), "evt_1")
	require.NoError(t, err)
	require.True(t, found)
	require.NotContains(t, string(e.Body), " ", "without the blanks of jsonb")
	replayed := Read(e, 0)
	replayed.WorkflowID, replayed.Act = "inorder-replay-evt_1-1", &Act{ID: "act_1", Actor: "ada", Action: ActReplay, Via: ViaAPI}
	r, err := s.applyOne(s.Context(), replayed, nil)
	require.NoError(t, err)
	require.False(t, r.OtherBody)
	again, err := s.applyOne(s.Context(), s.event(body), nil)
	require.NoError(t, err)
	require.True(t, again.Recorded)
	require.False(t, again.OtherBody, "a redelivery is the same body")
}

// Otherwise the workflow that wrote the row first would wait without one.
func TestARowStaysWithTheWorkflowThatItNames(t *testing.T) {
	t.Parallel()
	s := newTables(t)
	own := s.event(told("evt_1", "order.paid", 1, `{"id":"order_1"}`))
	replay := func(n string) Event {
		e := own
		e.WorkflowID, e.Act = "inorder-replay-evt_1-"+n, &Act{ID: "act_" + n, Actor: "ada", Action: ActReplay, Via: ViaAPI}
		return e
	}
	_, err := s.Discard(s.Context(), own, "why (by ada)")
	require.NoError(t, err)
	for _, at := range []struct {
		e         Event
		elsewhere bool
	}{{replay("1"), false}, {replay("2"), true}, {replay("2"), true}, {own, true}, {replay("1"), false}} {
		r, err := s.applyOne(s.Context(), at.e, nil)
		require.NoError(t, err)
		require.Equal(t, inorder.Waiting, r.Outcome)
		require.Equal(t, at.elsewhere, r.Elsewhere)
		p, found, err := s.Pending(s.Context(), "evt_1")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "inorder-replay-evt_1-1", p.WorkflowID)
	}
	require.Equal(t, inorder.Applied, s.apply(created("evt_2")))
	r, err := s.applyOne(s.Context(), replay("2"), nil)
	require.NoError(t, err)
	require.Equal(t, inorder.Applied, r.Outcome, "whoever comes first once the order is there")
	_, found, err := s.Pending(s.Context(), "evt_1")
	require.NoError(t, err)
	require.False(t, found)
}

func TestARedeliveryOfWhatAPersonCorrectedIsNoOtherBody(t *testing.T) {
	t.Parallel()
	s := newTables(t)
	came := told("evt_1", "order.created", 0, `{"id":"order_1","status":7}`)
	require.Equal(t, inorder.Attention, s.apply(came))
	old, found, err := s.Pending(s.Context(), "evt_1")
	require.NoError(t, err)
	require.True(t, found)
	corrected := s.event(told("evt_1", "order.created", 0, `{"id":"order_1","status":"confirmed"}`))
	amended, err := s.Amend(s.Context(), old.Event, corrected, Act{ID: "act_1", Actor: "ada", Action: ActAmend, Via: ViaAPI})
	require.NoError(t, err)
	require.True(t, amended)
	r, err := s.applyOne(s.Context(), corrected, nil)
	require.NoError(t, err)
	require.Equal(t, inorder.Applied, r.Outcome)
	again, err := s.applyOne(s.Context(), s.event(came), nil)
	require.NoError(t, err)
	require.True(t, again.Recorded)
	require.False(t, again.OtherBody, "nobody delivered another one")
}

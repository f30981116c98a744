package store

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"inorder"
	"inorder/dev/history"
)

// The law, on the real tables: the deliveries of any histories come in any batches, mixed with single ones, while
// people discard and replay events. The orders end as the oracle says, and each event has ended once.
func TestAnyBatchesOfAnyDeliveriesEndInTheOrdersThatTheOracleSays(t *testing.T) {
	s := newTables(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		var histories [][]history.Event
		var all []history.Event
		for n := range rapid.IntRange(1, 3).Draw(t, "orders") {
			h := history.Draw(t, fmt.Sprintf("o%d_%d", run, n))
			histories, all = append(histories, h), append(all, history.Deliveries(t, h)...)
		}
		deliveries := history.WithActs(t, rapid.Permutation(all).Draw(t, "arrival"), history.Discard, history.Replay)
		for len(deliveries) > 0 {
			n := min(rapid.IntRange(1, 8).Draw(t, "batch"), len(deliveries))
			s.take(t, deliveries[:n])
			deliveries = deliveries[n:]
		}
		for _, e := range all {
			if s.outcome(t, e.ID) == "discarded" {
				s.replay(t, e.ID)
			}
		}
		for _, h := range histories {
			s.requireFinal(t, h)
		}
	})
}

// take applies several deliveries as the inbox does, and a single one as its workflow does. What can't end now becomes a workflow.
func (s *tables) take(t *rapid.T, deliveries []history.Event) {
	var events []Event
	for _, d := range deliveries {
		switch e := s.event(string(d.Body())); d.Act {
		case history.Discard:
			_, err := s.Discard(s.Context(), ReadToDiscard(e.Event), "by me")
			require.NoError(t, err)
		case history.Replay:
			s.replay(t, e.ID)
		default:
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return
	}
	if len(events) == 1 {
		s.work(t, events[0])
		return
	}
	results, err := s.Apply(s.Context(), events, fromInbox)
	require.NoError(t, err)
	for i, r := range results {
		require.False(t, r.Busy)
		if r.Outcome == inorder.Waiting {
			s.work(t, events[i])
		} else if r.Waiters > 0 {
			s.release(t, events[i].Change.OrderID)
		}
	}
}

func (s *tables) work(t *rapid.T, e Event) {
	r, err := s.applyOne(s.Context(), e, nil)
	require.NoError(t, err)
	require.NotEqual(t, inorder.Attention, r.Outcome, r.Detail)
	if e.Change.Creates && r.Waiters > 0 {
		s.release(t, e.Change.OrderID)
	}
}

// replay replays an event, if it has ended.
func (s *tables) replay(t *rapid.T, id string) {
	e, found, err := s.Ended(s.Context(), id)
	require.NoError(t, err)
	if !found {
		return
	}
	replayed := Read(e, time.Hour)
	replayed.WorkflowID = "inorder-replay-" + id
	replayed.Act = &Act{ID: rand.Text(), Actor: "me", Action: ActReplay, Via: ViaAPI}
	s.work(t, replayed)
	before := s.outcome(t, id)
	s.work(t, replayed) // as an activity may run twice
	require.Equal(t, before, s.outcome(t, id))
}

func (s *tables) outcome(t *rapid.T, id string) (outcome string) {
	ends, err := s.Ends(s.Context(), []string{id})
	require.NoError(t, err)
	if len(ends) > 0 {
		outcome = string(ends[0].Outcome)
	}
	return outcome
}

func (s *tables) release(t *rapid.T, order string) {
	waiters, err := s.Waiters(s.Context(), order, Waiter{}, 100)
	require.NoError(t, err)
	for _, w := range waiters {
		e, found, err := s.Pending(s.Context(), w.EventID)
		require.NoError(t, err)
		require.True(t, found)
		r, err := s.applyOne(s.Context(), Read(e.Event, time.Hour), nil)
		require.NoError(t, err)
		require.True(t, r.Outcome != inorder.Waiting || s.order(t, order).ID == "", "if its creation was given up it goes on waiting")
	}
}

// requireFinal checks the order, its parts and that each of its events has one row.
func (s *tables) requireFinal(t *rapid.T, h []history.Event) {
	want, id := history.Final(h), h[0].OrderID
	got := s.order(t, id)
	want.Snapshot.Data = canonical(t, want.Snapshot.Data)
	for key, p := range want.Parts {
		p.Data = canonical(t, p.Data)
		want.Parts[key] = p
	}
	require.Equal(t, want, got)
	var ended, waiting int
	err := s.pool.QueryRow(s.Context(), `SELECT (SELECT count(*) FROM webhook_events WHERE event_id LIKE $1 || ':%' AND outcome IN ('applied', 'stale', 'ignored')),
		(SELECT count(*) FROM pending_events WHERE event_id LIKE $1 || ':%' AND phase = 'waiting')`, id).Scan(&ended, &waiting)
	require.NoError(t, err)
	require.Equal(t, len(h), ended+waiting)
	require.True(t, waiting == 0 || want.ID == "", "nothing waits for an order that is there")
}

// order returns all that the tables have of an order. It leaves out Snapshot.Rank, as the oracle does.
func (s *tables) order(t *rapid.T, id string) inorder.Order {
	known, err := s.ReadOrders(s.Context(), []string{id}, nil)
	require.NoError(t, err)
	o := known.Order(id, nil)
	if o.ID == "" {
		return o
	}
	rows, err := s.pool.Query(s.Context(), `SELECT 'order', '', coalesce(number, ''), data FROM orders WHERE id = $1
		UNION ALL SELECT kind, id, '', data FROM order_parts WHERE order_id = $1`, id)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var key inorder.PartKey
		var number string
		var data json.RawMessage
		require.NoError(t, rows.Scan(&key.Kind, &key.ID, &number, &data))
		if p, known := o.Parts[key]; known {
			p.Data, p.At = canonical(t, data), p.At.UTC()
			o.Parts[key] = p
			continue
		}
		o.Snapshot.Number, o.Snapshot.Data = number, canonical(t, data)
	}
	require.NoError(t, rows.Err())
	for _, at := range []*time.Time{&o.Status.At, &o.PaymentStatus.At, &o.FulfillmentStatus.At, &o.Snapshot.At, &o.LastWebhookAt} {
		*at = at.UTC()
	}
	for kind, at := range o.Listed {
		o.Listed[kind] = at.UTC()
	}
	o.Snapshot.Rank = 0
	return o
}

// canonical is the JSON with its keys in order.
func canonical(t *rapid.T, raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return nil
	}
	var value any
	require.NoError(t, json.Unmarshal(raw, &value))
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	return raw
}

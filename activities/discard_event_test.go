package activities_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	tables "inorder/internal/store"
	"inorder/internal/telemetry"
)

func TestDiscardEvent(t *testing.T) {
	t.Parallel()
	t.Run("records who gave it up and why, and that it waits no longer", func(t *testing.T) {
		s := newStore(t)
		s.apply(paid("evt_1"))
		r := s.discard(paid("evt_1"), "a test order", "ops")
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Discarded, OrderID: "order_1", Detail: "a test order (by ops)"}, r)
		require.Equal(t, "discarded a test order (by ops)", s.text(`SELECT concat_ws(' ', outcome, detail) FROM webhook_events`))
		require.JSONEq(t, paid("evt_1"), s.text(`SELECT payload FROM webhook_events`))
		require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
		require.Zero(t, s.apply(created("evt_2")).Waiters)
	})
	t.Run("twice answers what was recorded first", func(t *testing.T) {
		s := newStore(t)
		first := s.discard(paid("evt_1"), "one", "ops")
		stored := s.everything()
		require.Equal(t, first, s.discard(paid("evt_1"), "another", "somebody"))
		require.Equal(t, stored, s.everything())
	})
	t.Run("of an event that was applied answers that", func(t *testing.T) {
		s := newStore(t)
		s.apply(created("evt_1"))
		require.Equal(t, inorder.Applied, s.discard(created("evt_1"), "too late", "ops").Outcome)
		require.Equal(t, "applied", s.text(`SELECT outcome FROM webhook_events`))
	})
	t.Run("without a reason or a name says so", func(t *testing.T) {
		s := newStore(t)
		require.Equal(t, "no reason given (by unknown)", s.discard(paid("evt_1"), "", "").Detail)
	})
	t.Run("with a reason that PostgreSQL cannot hold", func(t *testing.T) {
		s := newStore(t)
		require.Equal(t, "a\uFFFDb (by ops)", s.discard(paid("evt_1"), "a\x00b", "ops").Detail)
	})
	t.Run("waits for the order's lock", func(t *testing.T) {
		s := newStore(t).patient()
		release := s.holdOrder()
		p := s.start(paid("evt_1"))
		s.blocked(1)
		done := make(chan activities.ApplyEventResult)
		go func() { done <- s.discard(paid("evt_1"), "why", "ops") }()
		s.blocked(2)
		release()
		require.Equal(t, inorder.Waiting, (<-p).Outcome)
		require.Equal(t, inorder.Discarded, (<-done).Outcome)
		require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
	})
}

func TestDiscardAlwaysWorks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, payload string }{
		"no order ID":                       {told("evt_1", "order.paid", 0, `{}`), told("evt_1", "order.paid", 0, `{}`)},
		"data that is not an object":        {told("evt_1", "order.paid", 0, `[]`), told("evt_1", "order.paid", 0, `[]`)},
		"a number that jsonb refuses":       {told("evt_1", "order.paid", 0, `1e400000`), quoted(told("evt_1", "order.paid", 0, `1e400000`))},
		"NUL in the text":                   {told("evt_1", "order.paid", 0, `"a\u0000b"`), told("evt_1", "order.paid", 0, `"a\ufffdb"`)},
		"both":                              {told("evt_1", "order.paid", 0, `["\u0000",1e400000]`), quoted(told("evt_1", "order.paid", 0, `["\u0000",1e400000]`))},
		"a huge order ID":                   {told("evt_1", "order.paid", 0, `{"id":"`+strings.Repeat("x", 100_000)+`"}`), told("evt_1", "order.paid", 0, `{"id":"`+strings.Repeat("x", 100_000)+`"}`)},
		"no type":                           {`{"id":"evt_1"}`, quoted(`{"id":"evt_1"}`)},
		"nothing":                           {``, `""`},
		"no JSON":                           {`order.paid`, quoted(`order.paid`)},
		"no JSON, with half an escape":      {`{"\u00`, quoted(`{"\u00`)},
		"no JSON, with a backslash at last": {`{"\u0000\`, quoted(`{"\u0000\`)},
		"bytes that are no text":            {"\x00\xff", quoted("\uFFFD\uFFFD")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			in := activities.DiscardEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: received}, Reason: "why", Actor: "ops"}
			for range 2 {
				r, err := s.DiscardEvent(t.Context(), raw(tc.body), in)
				require.NoError(t, err)
				require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Discarded, Detail: "why (by ops)"}, r)
			}
			require.JSONEq(t, tc.payload, s.text(`SELECT payload FROM webhook_events WHERE event_id = 'evt_1' AND outcome = 'discarded'`))
		})
	}
}

func quoted(text string) string {
	q, _ := json.Marshal(text)
	return string(q)
}

func TestDiscardEventIsRunAgainWhenItsConnectionIsLost(t *testing.T) {
	t.Parallel()
	s := newStore(t).patient()
	release := s.holdOrder()
	done := make(chan error)
	go func() {
		_, err := s.DiscardEvent(t.Context(), raw(paid("evt_1")), activities.DiscardEventInput{Receipt: receipt(t, paid("evt_1"))})
		done <- err
	}()
	s.terminate(s.blocked(1)[0])
	requireRetryable(t, <-done)
	release()
	require.Equal(t, `[]`, s.everything())
}

func TestWhoActedIsAskedForWithTheEventInTheLog(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	log, logs := testenv.Logs(t)
	s.Log, s.events.silent = log, errors.New("Temporal is away")
	s.discard(paid("evt_1"), "why", "ops")
	const event = "event_id=evt_1 event_type=order.paid order_id=order_1"
	require.Contains(t, logs.String(), event+" signal=discard")

	logs.Reset()
	in := activities.DiscardEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: received}, Canceled: true}
	_, err := s.DiscardEvent(t.Context(), raw(paid("evt_1")), in)
	require.NoError(t, err)
	require.Contains(t, logs.String(), event+" cause=")

	logs.Reset()
	_, err = s.StopBulk(t.Context(), activities.StopBulkInput{ID: "inorder-bulk-1", Canceled: true})
	require.NoError(t, err)
	require.Contains(t, logs.String(), "bulk_id=inorder-bulk-1")
	require.NotContains(t, logs.String(), "event_id", "a bulk action is no event")
}

// If Temporal was away when a person corrected the body, the workflow still has the body as received.
func TestAnEventThatWasAmendedIsDiscardedAsItWasAmended(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	log, logs := testenv.Logs(t)
	s.Ends = telemetry.NewEnds(loglimit.NewSampled(log, 5, time.Hour))
	broken := told("evt_1", "order.paid", 0, `{"payment_status":"paid"}`)
	require.Equal(t, inorder.Attention, s.apply(broken).Outcome)
	old, err := inorder.ParseEvent([]byte(broken))
	require.NoError(t, err)
	e, err := inorder.ParseEvent([]byte(paid("evt_1")))
	require.NoError(t, err)
	e.ReceivedAt = received
	amended, err := s.Store.Amend(t.Context(), old, tables.Event{Event: e, Change: inorder.Change{OrderID: "order_1"}}, tables.Act{Actor: "ada", Action: tables.ActAmend, EventID: "evt_1", Via: tables.ViaAPI})
	require.NoError(t, err)
	require.True(t, amended)
	require.Equal(t, "order_1", s.discard(broken, "no use", "ops").OrderID)
	require.Equal(t, "order_1", s.text(`SELECT order_id FROM webhook_events`))
	require.JSONEq(t, paid("evt_1"), s.text(`SELECT payload FROM webhook_events`))
	require.Contains(t, logs.String(), "event_id=evt_1 event_type=order.paid order_id=order_1 outcome=discarded")
}

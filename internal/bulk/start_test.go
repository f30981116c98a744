package bulk_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/operate"
	"inorder/internal/store"
)

func TestAPreviewCountsAndShowsTheOldestTen(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	r.waiting("evt_", 25)
	r.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before)
		VALUES ('evt_inbox', 'order_1', '{"type":"order.paid","store_id":"store_2"}', now() - interval '1 day', now()),
		       ('evt_3', 'order_3', '{"type":"order.paid"}', now(), now())`) // evt_3 waits, too
	p, err := r.Preview(t.Context(), api.BulkRequest{Action: api.Retry})
	require.NoError(t, err)
	require.Equal(t, 26, p.Count)
	require.Len(t, p.First, 10)
	require.Equal(t, "evt_inbox", p.First[0].EventID)
	require.Equal(t, api.StateInbox, p.First[0].State)
	require.Equal(t, "store_2", p.First[0].StoreID)
	require.Equal(t, "evt_0", p.First[1].EventID)
	require.Equal(t, "order.paid", p.First[1].Type)
	require.GreaterOrEqual(t, p.First[1].AgeSeconds, 25*60-1.0)
	require.LessOrEqual(t, p.First[1].AgeSeconds, 25*60+time.Since(began).Seconds()+1)
	require.NotNil(t, p.Filter.ReceivedBefore)
	require.Zero(t, r.count(`SELECT count(*) FROM bulks`)+len(r.started), "nothing is done")
}

// The type of an event in the inbox is in its body, so the query can't limit the rows before they are compared.
func TestAFilterFindsEventsBehindTheLimit(t *testing.T) {
	r := newRig(t)
	r.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before)
		SELECT 'evt_' || i, 'order_1', convert_to('{"type":"order.' || CASE i WHEN 9 THEN 'paid' ELSE 'created' END || '"}', 'UTF8'), now() - interval '1 day' + i * interval '1 minute', now()
		FROM generate_series(0, 9) AS i`)
	events, _, err := r.Store.Select(t.Context(), store.Selection{Type: "order.paid"}, 2)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "evt_9", events[0].EventID)
	events, _, err = r.Store.Select(t.Context(), store.Selection{Type: "order.created"}, 2)
	require.NoError(t, err)
	require.Len(t, events, 2)
}

func TestFiltersSelect(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 3)
	r.exec(`UPDATE pending_events SET phase = 'attention', type = 'order.created', payload = '{"store_id":"store_2"}' WHERE event_id = 'evt_1'`)
	r.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before)
		VALUES ('evt_inbox', 'order_1', '{"type":"order.paid","store_id":"store_2"}', now() - interval '1 day', now())`)
	r.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, payload, received_at, via)
		VALUES ('evt_gone', 'order.paid', 'order_1', 'discarded', '{"store_id":"store_1"}', now() - interval '1 day', 'workflow'),
		       ('evt_done', 'order.paid', 'order_2', 'applied', '{"store_id":"store_1"}', NULL, 'inbox')`)
	hourAgo := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		action api.Action
		filter api.Filter
		want   []string
	}{
		"attention":           {api.Retry, api.Filter{State: api.StateAttention}, []string{"evt_1"}},
		"inbox":               {api.Retry, api.Filter{State: api.StateInbox}, []string{"evt_inbox"}},
		"a type":              {api.Retry, api.Filter{Type: "order.paid"}, []string{"evt_inbox", "evt_0", "evt_2"}},
		"a store":             {api.Discard, api.Filter{StoreID: "store_2"}, []string{"evt_inbox", "evt_1"}},
		"an order":            {api.Retry, api.Filter{OrderID: "order_1"}, []string{"evt_inbox", "evt_1"}},
		"before a time":       {api.Retry, api.Filter{ReceivedBefore: &hourAgo}, []string{"evt_inbox"}},
		"after a time":        {api.Retry, api.Filter{ReceivedAfter: &hourAgo}, []string{"evt_0", "evt_1", "evt_2"}},
		"stuck: none":         {api.Retry, api.Filter{State: api.StateStuck}, nil},
		"ended":               {api.Replay, api.Filter{}, []string{"evt_gone", "evt_done"}},
		"an outcome":          {api.Replay, api.Filter{Outcome: "discarded"}, []string{"evt_gone"}},
		"a way":               {api.Replay, api.Filter{Via: "inbox"}, []string{"evt_done"}},
		"an order that ended": {api.Replay, api.Filter{State: api.StateEnded, OrderID: "order_1"}, []string{"evt_gone"}},
	} {
		p, err := r.Preview(t.Context(), api.BulkRequest{Action: c.action, Filter: c.filter})
		require.NoError(t, err, name)
		var ids []string
		for _, e := range p.First {
			ids = append(ids, e.EventID)
		}
		require.Equal(t, c.want, ids, name)
		require.Equal(t, len(c.want), p.Count, name)
	}
}

func TestWhatOnlyTemporalKnowsIsInTheSet(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 1)
	r.applying = []api.Event{{EventID: "evt_runs", State: api.StateApplying, ReceivedAt: time.Now()}, {EventID: "evt_0", ReceivedAt: time.Now()}}
	request := api.BulkRequest{Action: api.Discard, Filter: api.Filter{State: api.StateApplying}}
	p, err := r.Preview(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, 1, p.Count, "evt_0 waits by now")
	require.Equal(t, "evt_runs", p.First[0].EventID)
	require.Equal(t, 1, r.start(request).Total)
}

func TestTheSetIsThatOfThePreviewThoughRowsArrive(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 5)
	request := retryWaiting()
	p, err := r.Preview(t.Context(), request)
	require.NoError(t, err)
	request.Filter, request.Expect, request.Set = p.Filter, &p.Count, p.Set
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
		VALUES ('evt_new', 'order_9', 'order.paid', '{}', '{}', now(), now(), 'waiting')`)
	s := r.start(request)
	require.Equal(t, 5, s.Total)
	r.waiting("evt_later_", 3)
	require.Equal(t, 5, r.runAll(s.ID).Done)
	require.Equal(t, 5, r.count(`SELECT count(*) FROM bulk_events WHERE event_id = ANY($1)`, names("evt_", 0, 5)))
	require.Len(t, r.acts, 5)
}

func TestAnotherSetThanThePreviewsIsRefused(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 5)
	request := retryWaiting()
	p, err := r.Preview(t.Context(), request)
	require.NoError(t, err)
	request.Filter, request.Expect, request.Set = p.Filter, &p.Count, p.Set

	// One event ends, and another, received long ago, begins to wait only now: as many events, but not the same.
	r.exec(`UPDATE pending_events SET event_id = 'evt_slow' WHERE event_id = 'evt_2'`)
	var changed *bulk.ChangedError
	_, err = r.Start(t.Context(), request, "ops", "")
	require.ErrorAs(t, err, &changed)
	require.Equal(t, bulk.ChangedError{Expected: 5, Now: 5}, *changed)

	r.exec(`DELETE FROM pending_events WHERE event_id = 'evt_slow'`)
	request.Set = ""
	_, err = r.Start(t.Context(), request, "ops", "")
	require.ErrorAs(t, err, &changed)
	require.Equal(t, bulk.ChangedError{Expected: 5, Now: 4}, *changed)
	require.Zero(t, r.count(`SELECT count(*) FROM bulks`))
}

func TestAFilterThatSelectsNothingDoesNothing(t *testing.T) {
	r := newRig(t)
	s := r.start(retryWaiting())
	require.Equal(t, api.Started{Detail: "no event matches the filter; nothing was done"}, s)
	require.Zero(t, r.count(`SELECT count(*) FROM bulks`)+len(r.started))
}

func TestOneRequestMakesOneBulk(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 50)
	ids, mu, all := map[string]bool{}, sync.Mutex{}, sync.WaitGroup{}
	for range 8 {
		all.Go(func() {
			s, err := r.Start(t.Context(), retryWaiting(), "ops", "ops key-1")
			for lockTimedOut(err) { // the one that writes the bulk is slow: nothing was done, and the request is sent again
				s, err = r.Start(t.Context(), retryWaiting(), "ops", "ops key-1")
			}
			mu.Lock()
			defer mu.Unlock()
			require.NoError(t, err)
			require.Equal(t, 50, s.Total)
			ids[s.ID] = true
		})
	}
	all.Wait()
	require.Len(t, ids, 1)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM bulks`))
	require.NotEqual(t, r.start(retryWaiting()).ID, r.start(retryWaiting()).ID, "without a key each is a new one")
}

func TestABulkThatTemporalDoesNotTakeIsTakenBack(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 3)
	r.engine = func(string) error { return errAway }
	var away *operate.UnavailableError
	_, err := r.Start(t.Context(), retryWaiting(), "ops", "key")
	require.ErrorAs(t, err, &away)
	require.Equal(t, "temporal", away.Source)
	require.Zero(t, r.count(`SELECT count(*) FROM bulks`)+r.count(`SELECT count(*) FROM bulk_events`)+r.count(`SELECT count(*) FROM audit_log`))

	r.engine = nil
	s, err := r.Start(t.Context(), retryWaiting(), "ops", "key")
	require.NoError(t, err)
	require.Equal(t, 1, r.started[s.ID])

	require.Equal(t, bulk.TakenBack, r.runAll("inorder-bulk-gone").Ending, "a workflow that Temporal took all the same does nothing")
}

func TestABulkThatBeganThoughTheAnswerWasLostIsNotTakenBack(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 3)
	r.engine = func(id string) error {
		r.runAll(id)
		return errors.New("deadline exceeded")
	}
	s := r.start(retryWaiting())
	require.Equal(t, 3, s.Total)
	b, err := r.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, "done", b.End)
}

func TestABulkWhoseStartWasCutOffGoesOnWithTheSameRequest(t *testing.T) {
	r := newRig(t)
	r.waiting("evt_", 3)
	s, err := r.Start(t.Context(), retryWaiting(), "ops", "key")
	require.NoError(t, err)
	r.exec(`UPDATE bulks SET created_at = now() - interval '1 minute'`)
	b, err := r.Get(t.Context(), s.ID) // Temporal has no workflow
	require.NoError(t, err)
	require.Equal(t, "failing", b.End)
	require.Contains(t, b.Problem, "never started")
	again, err := r.Start(t.Context(), retryWaiting(), "ops", "key")
	require.NoError(t, err)
	require.Equal(t, s, again)
	require.Equal(t, 2, r.started[s.ID])
}

package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
)

// TestLookUpsUseAnIndex prepares the statements while the tables are empty and PostgreSQL knows it, as in a quiet night. What
// is prepared then must not read whole tables in the morning's burst, before they are analyzed again.
func TestLookUpsUseAnIndex(t *testing.T) {
	t.Parallel()
	url := testenv.MigratedURL(t)
	others := testenv.Pool(t, url)
	const theirs = `FROM pg_stat_user_tables WHERE relname IN ('orders', 'order_parts', 'webhook_events', 'pending_events', 'event_inbox')`
	exec := func(sql string) {
		t.Helper()
		_, err := others.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	exec(`DO $$ DECLARE t text; BEGIN
		FOR t IN SELECT relname ` + theirs + ` LOOP EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', t); END LOOP; END $$`)
	exec(`VACUUM ANALYZE`)

	pool := testenv.Pool(t, testenv.WithParameter(url, "pool_max_conns", "1")) // one connection prepares it all
	s := &tables{T: t, Store: New(pool), pool: pool}
	for range 7 { // PostgreSQL decides after five runs how it plans a statement
		s.lookEverythingUp(sampled(1))
	}
	exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) SELECT 'evt_old_' || i, 'order.paid', 'applied', '{}' FROM generate_series(1, 20000) i`)
	exec(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) SELECT 'order_old_' || i, '{}', now(), 0, '', now() FROM generate_series(1, 20000) i`)
	exec(`INSERT INTO order_parts (kind, id, order_id, data, event_id, last_webhook_at) SELECT 'payment', 'pay_old_' || i, 'order_old_' || i, '{}', '', now() FROM generate_series(1, 20000) i`)
	exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) SELECT 'evt_waits_' || i, 'order_w_' || i, 'order.paid', '{}', now(), now(), 'waiting' FROM generate_series(1, 20000) i`)
	exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT 'evt_inbox_' || i, '', now(), now() + interval '1 day' FROM generate_series(1, 20000) i`)
	const scansSQL = `SELECT coalesce(string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname), '') `
	var before, after string
	require.NoError(t, others.QueryRow(t.Context(), `SELECT pg_stat_clear_snapshot()::text`).Scan(&before))
	require.NoError(t, others.QueryRow(t.Context(), scansSQL+theirs).Scan(&before))
	for _, n := range []int{1, 100} {
		s.lookEverythingUp(sampled(n))
	}
	pool.Close() // this reports its counts of scans
	require.NoError(t, others.QueryRow(t.Context(), scansSQL+theirs).Scan(&after))
	require.Equal(t, before, after, "scans of whole tables")
}

var samples int

// sampled returns the creations and payments of n new orders.
func sampled(n int) (bodies []string) {
	for range n {
		samples++
		order := fmt.Sprint("order_", samples)
		bodies = append(bodies, of(order, "evt_c_"+order, "order.created", 0),
			told("evt_p_"+order, "payment.completed", 1, fmt.Sprintf(`{"id":"pay_%s","order_id":%q,"status":"completed"}`, order, order)))
	}
	return bodies
}

// lookEverythingUp does once, with the events, what happens all the time.
func (s *tables) lookEverythingUp(bodies []string) {
	s.Helper()
	ctx := s.Context()
	no := func(err error) { s.Helper(); require.NoError(s, err) }
	events, in, ids := []Event{}, []InboxEvent{}, []string{}
	for _, body := range bodies {
		e := s.event(body)
		events, in = append(events, e), append(in, InboxEvent{Event: e.Event})
		ids = append(ids, e.ID)
	}
	_, err := s.PutInbox(ctx, in)
	no(err)
	no(s.PostponeInbox(ctx, ids[:1], "later"))
	no(s.ExplainInbox(ctx, ids[:1], "later"))
	_, err = s.Drain(ctx, Claim{Limit: 256, Apply: true}, func(e inorder.Event) Event { return Read(e, time.Hour) })
	no(err)
	no(s.RemoveInbox(ctx, ids, 1))
	_, err = s.Apply(ctx, events, Options{})
	no(err)
	waits := s.event(of("order_missing_"+ids[0], "evt_w_"+ids[0], "order.paid", 1))
	_, err = s.Apply(ctx, []Event{waits}, Options{})
	no(err)
	_, err = s.Waiters(ctx, waits.Change.OrderID, Waiter{}, 100)
	no(err)
	_, err = s.CountWaiting(ctx, ids)
	no(err)
	_, _, err = s.Pending(ctx, waits.ID)
	no(err)
	_, err = s.ReadOrders(ctx, []string{events[1].Change.OrderID}, events[1].partKeys())
	no(err)
	_, err = s.States(ctx, ids)
	no(err)
	_, err = s.Recorded(ctx, ids)
	no(err)
	_, err = s.Ends(ctx, ids)
	no(err)
	_, _, err = s.BodyHash(ctx, ids[0])
	no(err)
	s.lookOneUp(ids[0])
	_, err = s.OrderSummary(ctx, events[1].Change.OrderID)
	no(err)
	_, err = s.Unseen(ctx, time.Hour, PendingRow{}, 100)
	no(err)
	_, err = s.InAttention(ctx, PendingRow{}, 100)
	no(err)
	s.purgeAll(ctx)
	_, err = s.Discard(ctx, waits, "by me")
	no(err)
}

// purgeAll runs once all that the purge runs, with nothing to purge.
func (s *tables) purgeAll(ctx context.Context) {
	s.Helper()
	no := func(err error) { s.Helper(); require.NoError(s, err) }
	old := Cutoff{Now: time.Now(), Kept: time.Hour}
	_, err := s.Purge(ctx, &Walk{}, old, 100)
	no(err)
	w, err := s.PayloadsRemoved(ctx)
	no(err)
	_, err = s.RemovePayloads(ctx, &w, old, 100)
	no(err)
	_, err = s.PurgeKeys(ctx, 100)
	no(err)
	_, err = s.PurgeRefused(ctx, old, 100)
	no(err)
	_, err = s.PurgeAudit(ctx, 100)
	no(err)
}

// lookOneUp does once, with an event, what operators do.
func (s *tables) lookOneUp(id string) {
	s.Helper()
	ctx := s.Context()
	no := func(err error) { s.Helper(); require.NoError(s, err) }
	var err error
	_, _, err = s.Place(ctx, id)
	no(err)
	_, _, err = s.Ended(ctx, id)
	no(err)
	_, _, err = s.InboxEvent(ctx, id)
	no(err)
	_, err = s.DueNow(ctx, Act{Actor: "me", Action: ActRetry, Via: ViaAPI, EventID: id})
	no(err)
	_, err = s.Replays(ctx, id)
	no(err)
	_, _, err = s.Acted(ctx, id)
	no(err)
}

package view

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/store"
)

func TestReadingsAreWhatMetricsShow(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	v, ctx := New(pool), t.Context()
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(ctx, sql)
		require.NoError(t, err)
	}
	r, err := v.Readings(ctx)
	require.NoError(t, err)
	for _, s := range []api.State{api.StateInbox, api.StateWaiting, api.StateStuck, api.StateAttention} {
		require.Equal(t, Reading{}, r.States[s], "%s", s)
	}
	require.Empty(t, r.LastEvents)
	require.Empty(t, r.Jobs)

	require.NoError(t, store.New(pool).Succeeded(ctx, store.JobPurge))
	exec(`INSERT INTO last_events VALUES ('order', '2026-01-15T12:00:00Z')`)
	exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase)
		SELECT 'evt_' || i, 'order_1', 'order.paid', '{}', now(), now() - i * interval '1 minute', 'stuck' FROM generate_series(1, 3) i`)
	exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) VALUES ('evt_inbox', '{}', now() - interval '1 hour', now())`)
	r, err = v.Readings(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, r.States[api.StateStuck].Count)
	require.InDelta(t, 3*time.Minute, r.States[api.StateStuck].Oldest, float64(time.Minute))
	require.Equal(t, 1, r.States[api.StateInbox].Count)
	require.InDelta(t, time.Hour, r.States[api.StateInbox].Oldest, float64(time.Minute))
	require.Equal(t, map[string]time.Time{"order": time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)}, r.LastEvents)
	require.WithinDuration(t, time.Now(), r.Jobs[store.JobPurge], time.Minute)
}

// The estimate holds whenever a table was last analyzed, and whatever was deleted from it.
func TestManyAreEstimated(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	exec(`ALTER TABLE pending_events SET (autovacuum_enabled = off)`)
	exec(`ALTER TABLE event_inbox SET (autovacuum_enabled = off)`)
	exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase)
		SELECT 'evt_' || i, 'order_' || i, 'order.paid', '{}', now(), now(), CASE WHEN i % 2 = 0 THEN 'stuck' ELSE 'waiting' END FROM generate_series(1, 32000) i`)
	exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT 'evt_' || i, repeat('a', 700)::bytea, now(), now() FROM generate_series(1, 20000) i`)
	exec(`DELETE FROM event_inbox WHERE event_id > 'evt_8'`)
	var inbox int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM event_inbox`).Scan(&inbox))
	began := time.Now()
	r, err := New(pool).Readings(t.Context())
	require.NoError(t, err)
	t.Log("took", time.Since(began), r.States)
	require.InEpsilon(t, 16000, r.States[api.StateWaiting].Count, 0.3)
	require.InEpsilon(t, 16000, r.States[api.StateStuck].Count, 0.3)
	require.InEpsilon(t, inbox, r.States[api.StateInbox].Count, 0.3)
	again, err := New(pool).Readings(t.Context())
	require.NoError(t, err)
	require.Equal(t, r.States[api.StateWaiting].Count, again.States[api.StateWaiting].Count)
}

package view_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func TestCounts(t *testing.T) {
	s := newTables(t)
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	for _, state := range []api.State{api.StateInbox, api.StateWaiting, api.StateStuck, api.StateAttention} {
		require.Contains(t, status.States, state)
		require.Zero(t, status.States[state])
	}
	for _, outcome := range []string{"applied", "stale", "ignored", "discarded", "expired"} {
		require.Contains(t, status.Outcomes, outcome)
		require.Zero(t, status.Outcomes[outcome])
	}
	require.Len(t, status.Traffic, 60)

	s.oneOfEach()
	s.exec(`UPDATE pending_events SET seen_at = now() - interval '3 hours' WHERE event_id <> 'evt_stuck'`)
	status, err = s.Status(t.Context())
	require.NoError(t, err)
	for state, minute := range map[api.State]int{api.StateInbox: 5, api.StateWaiting: 3, api.StateStuck: 4, api.StateAttention: 6} {
		require.Equal(t, 1, status.States[state].Count, state)
		require.InDelta(t, time.Since(at(minute)).Seconds(), status.States[state].OldestSeconds, 60)
	}
	require.Equal(t, 1, status.Outcomes["applied"].Count)
	require.Equal(t, 1, status.Outcomes["stale"].Count)
	require.InDelta(t, time.Since(at(2)).Seconds(), status.Outcomes["stale"].OldestSeconds, 60)
	require.Equal(t, 1, status.Unseen.Count, "one in attention is not looked at, and one was seen")
}

func TestCountsAreExactUpToTenThousand(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO pending_events (event_id, type, order_id, phase, payload, occurred_at, received_at) SELECT 'evt_w_' || i, 'order.paid', 'o', 'waiting', '{}', now(), now() FROM generate_series(1, 10000) i`)
	s.exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT 'evt_i_' || i, '{}', now(), now() FROM generate_series(1, 10001) i`)
	s.exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) SELECT 'evt_s_' || i, 'order.paid', 'stale', '{}' FROM generate_series(1, 10001) i`)
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, 10000, status.States[api.StateWaiting].Count)
	require.False(t, status.States[api.StateWaiting].More)
	require.Equal(t, 10000, status.States[api.StateInbox].Count)
	require.True(t, status.States[api.StateInbox].More)
	require.Equal(t, 10000, status.Outcomes["stale"].Count)
	require.True(t, status.Outcomes["stale"].More)
	require.Equal(t, api.Count{More: true}, status.Outcomes["applied"], "none among the last, and nobody knows of others")
	require.InDelta(t, 0, status.Outcomes["stale"].OldestSeconds, 600)
}

func TestTrafficIsThatOfAllProcesses(t *testing.T) {
	s := newTables(t)
	now := time.Now().Truncate(time.Minute).UTC()
	s.exec(`INSERT INTO traffic_minutes (minute, process, kind, name, count) VALUES
		($1, gen_random_uuid(), 'delivery', 'accepted', 3), ($1, gen_random_uuid(), 'delivery', 'accepted', 4), ($1, gen_random_uuid(), 'end', 'applied', 5),
		($2, gen_random_uuid(), 'end', 'stale', 1), ($3, gen_random_uuid(), 'end', 'stale', 1)`, now.Add(-time.Minute), now.Add(-50*time.Minute), now.Add(-2*time.Hour))
	s.exec(`INSERT INTO last_events VALUES ('order', $1)`, at(1))
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	byMinute := map[time.Time]api.Minute{}
	for _, m := range status.Traffic {
		byMinute[m.At] = m
	}
	require.Len(t, byMinute, 60)
	require.Equal(t, map[string]int{"accepted": 7}, byMinute[now.Add(-time.Minute)].Deliveries)
	require.Equal(t, map[string]int{"applied": 5}, byMinute[now.Add(-time.Minute)].Ends)
	require.Equal(t, map[string]int{"stale": 1}, byMinute[now.Add(-50*time.Minute)].Ends)
	require.Equal(t, map[string]time.Time{"order": at(1)}, status.LastEvents)
}

// For a moment an event may have a row of the inbox beside another one.
func TestAnEventIsCountedWhereItStands(t *testing.T) {
	s := newTables(t)
	s.oneOfEach()
	s.exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before)
		SELECT event_id, '{}'::bytea, now() - interval '1 day', now() FROM pending_events UNION ALL SELECT event_id, '{}'::bytea, now() - interval '1 day', now() FROM webhook_events`)
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	for state, minute := range map[api.State]int{api.StateInbox: 5, api.StateWaiting: 3, api.StateStuck: 4, api.StateAttention: 6} {
		require.Equal(t, 1, status.States[state].Count, state)
		require.InDelta(t, time.Since(at(minute)).Seconds(), status.States[state].OldestSeconds, 60, state)
	}
}

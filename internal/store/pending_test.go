package store

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Waiter goes through a heartbeat, which is JSON, whatever its times are.
func TestWaitersAreReadPageByPage(t *testing.T) {
	s := newTables(t)
	_, err := s.pool.Exec(t.Context(), `INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase)
		SELECT event_id, 'order_1', 'order.paid', '{}', occurred_at::timestamptz, received_at::timestamptz, phase FROM (VALUES
			('evt_1', '4000-01-01 BC',                 '2025-01-01',             'stuck'),
			('evt_2', '0001-01-01',                    '4000-01-01 BC',          'waiting'),
			('evt_3', '1969-12-31 23:59:59.999999+00', '2025-01-01',             'waiting'),
			('evt_4', '1970-01-01 00:00+00',           '1970-01-01 00:00+00',    'waiting'),
			('evt_5', '2025-01-01',                    '2025-01-01',             'waiting'),
			('evt_6', '2025-01-01',                    '2025-01-01 00:00:00.01', 'waiting'),
			('evt_7', '2025-01-01',                    '2025-01-01 00:00:00.01', 'waiting'),
			('evt_x', '2025-01-01',                    '2025-01-01 00:00:00.01', 'attention'),
			('evt_8', '9999-12-31 23:59:59.999999-12', '2025-01-01',             'waiting'),
			('evt_9', '200000-01-01',                  '200000-01-01',           'waiting')
		) AS rows(event_id, occurred_at, received_at, phase)`)
	require.NoError(t, err)
	after, ids := Waiter{}, ""
	for {
		page, err := s.Waiters(t.Context(), "order_1", after, 1)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		cursor, err := json.Marshal(page[0])
		require.NoError(t, err)
		after = Waiter{}
		require.NoError(t, json.Unmarshal(cursor, &after))
		ids += after.EventID + " "
	}
	require.Equal(t, "evt_1 evt_2 evt_3 evt_4 evt_5 evt_6 evt_7 evt_8 evt_9 ", ids)
}

package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func TestAnEventWhosePayloadIsGone(t *testing.T) {
	s := newTables(t)
	s.ended("evt_1", "order.paid", "order_1", "store_1", "applied", "workflow", 1)
	s.ended("evt_2", "order.paid", "order_1", "store_2", "applied", "workflow", 2)
	s.exec(`UPDATE webhook_events SET payload = NULL, payload_removed_at = $1, store_id = payload->>'store_id' WHERE event_id = 'evt_1'`, at(9))
	s.exec(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at, status, status_at) VALUES ('order_1', '{}', $1, 0, 'evt_1', $1, 'paid', $1)`, at(1))

	e := s.event("evt_1")
	require.Equal(t, at(9), *e.PayloadRemovedAt)
	require.Equal(t, "store_1", e.StoreID)
	require.Empty(t, e.Payload)
	require.Nil(t, s.event("evt_2").PayloadRemovedAt)

	page, err := s.Events(t.Context(), api.Filter{StoreID: "store_1"}, "", 10)
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	require.Equal(t, "store_1", page.Data[0].StoreID)

	o, found, err := s.Order(t.Context(), "order_1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "evt_1", o.Aspects[3].EventID)
	require.Empty(t, o.Aspects[0].EventID, "what it said is gone")
}

func TestARowHasAPayloadOrSaysWhenItWent(t *testing.T) {
	s := newTables(t)
	_, err := s.pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome) VALUES ('evt_1', 'order.paid', 'applied')`)
	require.ErrorContains(t, err, "webhook_events_has_a_payload")
}

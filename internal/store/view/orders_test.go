package view_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func (s *tables) order(id, number, store, status string, minute int) {
	s.Helper()
	s.exec(`INSERT INTO orders (id, number, store_id, status, status_at, payment_status, payment_at, fulfillment_status, fulfillment_at, data, data_at, data_rank, data_event_id, last_webhook_at, updated_at)
		VALUES ($1, nullif($2, ''), $3, $4, $5, 'paid', $5, 'unfulfilled', $5, '{"a": 1}', $5, 0, 'evt_data', $5, $5)`, id, number, store, status, at(minute))
}

func (s *tables) orderIDs(q api.OrdersQuery, size int) []string {
	s.Helper()
	all := []string{}
	q.Limit = size
	for pages := 0; pages == 0 || q.Cursor != ""; pages++ {
		page, err := s.Orders(s.Context(), q)
		require.NoError(s, err)
		for _, o := range page.Data {
			all = append(all, o.ID)
		}
		q.Cursor = page.NextCursor
	}
	return all
}

func TestOrdersByEachFilter(t *testing.T) {
	s := newTables(t)
	s.order("order_1", "1001", "store_1", "pending", 1)
	s.order("order_2", "1002", "store_1", "confirmed", 2)
	s.order("order_20", "", "store_2", "confirmed", 3)
	s.order("orderX1", "99", "store_2", "cancelled", 3) // the same time
	s.order(`100%\`, "5", "store_2", "cancelled", 0)
	s.exec(`UPDATE orders SET payment_status = 'refunded', fulfillment_status = 'fulfilled' WHERE id = 'order_2'`)
	for name, c := range map[string]struct {
		q    api.OrdersQuery
		want []string
	}{
		"all":                     {api.OrdersQuery{}, []string{"order_20", "orderX1", "order_2", "order_1", `100%\`}},
		"status":                  {api.OrdersQuery{Status: "confirmed"}, []string{"order_20", "order_2"}},
		"payment status":          {api.OrdersQuery{PaymentStatus: "refunded"}, []string{"order_2"}},
		"fulfillment status":      {api.OrdersQuery{FulfillmentStatus: "fulfilled"}, []string{"order_2"}},
		"store":                   {api.OrdersQuery{StoreID: "store_1"}, []string{"order_2", "order_1"}},
		"updated after":           {api.OrdersQuery{UpdatedAfter: at(2)}, []string{"order_20", "orderX1", "order_2"}},
		"updated before":          {api.OrdersQuery{UpdatedBefore: at(2)}, []string{"order_1", `100%\`}},
		"all at once":             {api.OrdersQuery{Status: "confirmed", StoreID: "store_2", Q: "order", UpdatedAfter: at(1)}, []string{"order_20"}},
		"an ID":                   {api.OrdersQuery{Q: "order_20"}, []string{"order_20"}},
		"the beginning of an ID":  {api.OrdersQuery{Q: "order_2"}, []string{"order_20", "order_2"}},
		"a number":                {api.OrdersQuery{Q: "1002"}, []string{"order_2"}},
		"the beginning of both":   {api.OrdersQuery{Q: "100"}, []string{"order_2", "order_1", `100%\`}},
		"a wildcard is a letter":  {api.OrdersQuery{Q: "order_"}, []string{"order_20", "order_2", "order_1"}},
		"a percent sign":          {api.OrdersQuery{Q: "100%"}, []string{`100%\`}},
		"a percent sign alone":    {api.OrdersQuery{Q: "%"}, []string{}},
		"a backslash":             {api.OrdersQuery{Q: `100%\`}, []string{`100%\`}},
		"nothing":                 {api.OrdersQuery{Q: "order_3"}, []string{}},
		"what can be no text":     {api.OrdersQuery{Q: "a\x00"}, []string{}},
		"the middle is not found": {api.OrdersQuery{Q: "rder"}, []string{}},
	} {
		require.Equal(t, c.want, s.orderIDs(c.q, 50), name)
		require.Equal(t, c.want, s.orderIDs(c.q, 1), "%s, one by one", name)
	}
}

func TestPagesOfOrdersOfOneTransaction(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at, status, status_at)
		SELECT 'order_' || i, '{}', now(), 0, '', now(), CASE i WHEN 7 THEN 'rare' END, CASE i WHEN 7 THEN now() END FROM generate_series(1, 11000) i`)
	ids := s.orderIDs(api.OrdersQuery{}, 200)
	require.Len(t, ids, 11000)
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), 11000)
	require.Equal(t, []string{"order_7"}, s.orderIDs(api.OrdersQuery{Status: "rare"}, 50))
}

package conformance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

type orders struct {
	Data       []standin.Order `json:"data"`
	HasMore    bool            `json:"has_more"`
	TotalCount int             `json:"total_count"`
}

func TestOrdersAreFiltered(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := newRig(t, standin.Options{Now: func() time.Time { return now }})
	r.place(standin.Placement{Count: 3})
	now = now.Add(time.Hour)
	middle := now
	r.place(standin.Placement{Count: 2, Actions: []string{"pay"}})
	now = now.Add(time.Hour)
	last := r.place(standin.Placement{Actions: []string{"pay", "ship", "complete"}})[0]

	for name, tc := range map[string]struct {
		filter map[string]any
		want   int
	}{
		"all":                    {nil, 6},
		"status":                 {map[string]any{"status": "pending"}, 3},
		"payment_status":         {map[string]any{"payment_status": "paid"}, 3},
		"fulfillment_status":     {map[string]any{"fulfillment_status": "fulfilled"}, 1},
		"together":               {map[string]any{"status": "confirmed", "payment_status": "paid"}, 2},
		"created_after":          {map[string]any{"created_after": middle.Add(time.Minute).Format(time.RFC3339)}, 1},
		"created_before":         {map[string]any{"created_before": middle.Add(-time.Minute).Format(time.RFC3339)}, 3},
		"q":                      {map[string]any{"q": last.Email}, 1},
		"what is undefined":      {map[string]any{"status": nil}, 6},
		"nothing that is wanted": {map[string]any{"status": "cancelled"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			page := call[orders](r, "orders.adminList", tc.filter)
			require.Len(t, page.Data, tc.want)
			require.Equal(t, tc.want, page.TotalCount)
			require.False(t, page.HasMore)
		})
	}
}

func TestPagesOfOrders(t *testing.T) {
	r := newRig(t, standin.Options{})
	placed := r.place(standin.Placement{Count: 45})
	page := call[orders](r, "orders.adminList")
	require.Len(t, page.Data, 20)
	require.True(t, page.HasMore)
	require.Equal(t, 45, page.TotalCount)

	all := call[[]standin.Order](r, "orders.adminListAutoPaginate", map[string]any{"limit": 10, "status": "pending"})
	require.Len(t, all, 45)
	for i, o := range all {
		require.Equal(t, placed[44-i].ID, o.ID, "newest first, each once")
	}
}

func TestAnOrderIsTheSameThroughTheSDK(t *testing.T) {
	r := newRig(t, standin.Options{})
	order := r.place(standin.Placement{Actions: []string{"pay", "ship", "refund_part"}})[0]
	want, err := json.Marshal(order)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(r.try("orders.adminGet", order.ID).Value))

	_, err = r.Advance(order.ID, "deliver")
	require.NoError(t, err)
	require.Equal(t, "delivered", call[standin.Order](r, "orders.adminGet", order.ID).Fulfillments[0].Status)
}

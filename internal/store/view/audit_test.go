package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

func TestTheAuditByEachFilter(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO audit_log (actor, action, event_id, order_id, bulk_id, via, reason, result) VALUES
		('anna', 'retry', 'evt_1', 'order_1', NULL, 'api', 'because', 'signaled'), ('ben', 'retry', 'evt_2', 'order_1', 'bulk_1', 'api', '', 'signaled'),
		('anna', 'discard', 'evt_2', 'order_2', NULL, 'temporal', '', 'discarded'), ('anna', 'bulk', NULL, NULL, 'bulk_1', 'api', '', 'started')`)
	for name, c := range map[string]struct {
		q    api.AuditQuery
		want []int64
	}{
		"all":             {api.AuditQuery{}, []int64{4, 3, 2, 1}},
		"actor":           {api.AuditQuery{Actor: "anna"}, []int64{4, 3, 1}},
		"action":          {api.AuditQuery{Action: "retry"}, []int64{2, 1}},
		"event":           {api.AuditQuery{EventID: "evt_2"}, []int64{3, 2}},
		"order":           {api.AuditQuery{OrderID: "order_1"}, []int64{2, 1}},
		"event and order": {api.AuditQuery{EventID: "evt_2", OrderID: "order_1"}, []int64{2}},
		"all at once":     {api.AuditQuery{EventID: "evt_2", OrderID: "order_2", Actor: "anna", Action: "discard"}, []int64{3}},
		"nothing":         {api.AuditQuery{Actor: "carl"}, nil},
		"can be no text":  {api.AuditQuery{Actor: "a\x00"}, nil},
	} {
		for _, size := range []int{1, 50} {
			var ids []int64
			for pages := 0; pages == 0 || c.q.Cursor != ""; pages++ {
				c.q.Limit = size
				page, err := s.Audit(t.Context(), c.q)
				require.NoError(t, err)
				for _, a := range page.Data {
					ids = append(ids, a.ID)
				}
				c.q.Cursor = page.NextCursor
			}
			require.Equal(t, c.want, ids, "%s, pages of %d", name, size)
		}
	}
	page, err := s.Audit(t.Context(), api.AuditQuery{EventID: "evt_1", ListQuery: api.ListQuery{Limit: 5}})
	require.NoError(t, err)
	a := page.Data[0]
	a.At = at(0)
	require.Equal(t, api.AuditEntry{ID: 1, At: at(0), Actor: "anna", Action: "retry", EventID: "evt_1", OrderID: "order_1", Via: "api", Reason: "because", Result: "signaled"}, a)
}

func TestARareActIsFoundInTheEnd(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO audit_log (actor, action, via, result) VALUES ('anna', 'cancel', 'temporal', 'discarded')`)
	s.exec(`INSERT INTO audit_log (actor, action, via, result) SELECT 'ben', 'retry', 'api', 'signaled' FROM generate_series(1, 21000)`)
	var ids []int64
	q := api.AuditQuery{Action: "cancel", ListQuery: api.ListQuery{Limit: 50}}
	for pages := 0; pages == 0 || q.Cursor != ""; pages++ {
		page, err := s.Audit(t.Context(), q)
		require.NoError(t, err)
		for _, a := range page.Data {
			ids = append(ids, a.ID)
		}
		q.Cursor = page.NextCursor
	}
	require.Equal(t, []int64{1}, ids)
}

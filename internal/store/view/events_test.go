package view_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

// oneOfEach adds an event of each state, newest first: attention, inbox, stuck, waiting, stale, applied.
func (s *tables) oneOfEach() {
	s.Helper()
	s.ended("evt_applied", "order.paid", "order_1", "store_1", "applied", "workflow", 1)
	s.ended("evt_stale", "order.updated", "order_1", "store_1", "stale", "inbox", 2)
	s.parked("evt_waiting", "order.paid", "order_2", "store_1", "waiting", 3)
	s.parked("evt_stuck", "order.paid", "order_2", "store_2", "stuck", 4)
	s.received("evt_inbox", "order.paid", "order_1", "store_2", 5)
	s.exec(`INSERT INTO pending_events (event_id, type, phase, detail, received_at, body) VALUES ('evt_attention', 'order.paid', 'attention', 'there is no order ID', $1, '\x00')`, at(6))
}

func TestEventsOfAllTables(t *testing.T) {
	s := newTables(t)
	s.oneOfEach()
	minute := func(n int) *time.Time { at := at(n); return &at }
	for name, c := range map[string]struct {
		f    api.Filter
		want []string
	}{
		"all":                  {api.Filter{}, []string{"evt_attention", "evt_inbox", "evt_stuck", "evt_waiting", "evt_stale", "evt_applied"}},
		"inbox":                {api.Filter{State: api.StateInbox}, []string{"evt_inbox"}},
		"waiting":              {api.Filter{State: api.StateWaiting}, []string{"evt_waiting"}},
		"stuck":                {api.Filter{State: api.StateStuck}, []string{"evt_stuck"}},
		"attention":            {api.Filter{State: api.StateAttention}, []string{"evt_attention"}},
		"applying":             {api.Filter{State: api.StateApplying}, []string{}},
		"ended":                {api.Filter{State: api.StateEnded}, []string{"evt_stale", "evt_applied"}},
		"outcome":              {api.Filter{Outcome: "stale"}, []string{"evt_stale"}},
		"the common outcome":   {api.Filter{Outcome: "applied"}, []string{"evt_applied"}},
		"outcome and state":    {api.Filter{Outcome: "stale", State: api.StateWaiting}, []string{}},
		"via":                  {api.Filter{Via: "inbox"}, []string{"evt_stale"}},
		"type":                 {api.Filter{Type: "order.updated"}, []string{"evt_stale"}},
		"type in each":         {api.Filter{Type: "order.paid"}, []string{"evt_attention", "evt_inbox", "evt_stuck", "evt_waiting", "evt_applied"}},
		"order":                {api.Filter{OrderID: "order_1"}, []string{"evt_inbox", "evt_stale", "evt_applied"}},
		"order that waits":     {api.Filter{OrderID: "order_2"}, []string{"evt_stuck", "evt_waiting"}},
		"order and outcome":    {api.Filter{OrderID: "order_1", Outcome: "applied"}, []string{"evt_applied"}},
		"order and type":       {api.Filter{OrderID: "order_1", Type: "order.paid"}, []string{"evt_inbox", "evt_applied"}},
		"store":                {api.Filter{StoreID: "store_2"}, []string{"evt_inbox", "evt_stuck"}},
		"received after":       {api.Filter{ReceivedAfter: minute(5)}, []string{"evt_attention", "evt_inbox"}},
		"received before":      {api.Filter{ReceivedBefore: minute(3)}, []string{"evt_stale", "evt_applied"}},
		"received between":     {api.Filter{ReceivedAfter: minute(2), ReceivedBefore: minute(5)}, []string{"evt_stuck", "evt_waiting", "evt_stale"}},
		"nothing":              {api.Filter{Type: "order.never"}, []string{}},
		"what can be no text":  {api.Filter{Type: "a\x00b"}, []string{}},
		"not UTF-8":            {api.Filter{OrderID: "\xff"}, []string{}},
		"a pattern is no text": {api.Filter{OrderID: "order_%"}, []string{}},
	} {
		require.Equal(t, c.want, s.ids(c.f, 50), name)
		require.Equal(t, c.want, s.ids(c.f, 1), "%s, one by one", name)
	}
}

func TestAnEventInSeveralTablesIsListedOnce(t *testing.T) {
	s := newTables(t)
	s.ended("evt_1", "order.paid", "order_1", "", "applied", "workflow", 1)
	s.received("evt_1", "order.paid", "order_1", "", 2)
	s.parked("evt_2", "order.paid", "order_1", "", "waiting", 3)
	s.received("evt_2", "order.paid", "order_1", "", 3)
	require.Equal(t, []string{"evt_2", "evt_1"}, s.ids(api.Filter{}, 50))
	require.Equal(t, []string{"evt_2", "evt_1"}, s.ids(api.Filter{}, 1))
	require.Empty(t, s.ids(api.Filter{State: api.StateInbox}, 50))
	e, found, err := s.Event(t.Context(), "evt_2")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, api.StateWaiting, e.State)
}

// 500 rows of one transaction have one time; others are added while they are paged, above and below.
func TestPagesNeitherLoseNorRepeatRows(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) SELECT 'evt_' || i, 'order.paid', 'applied', '{}' FROM generate_series(1, 500) i`) // no received_at: rows of older versions
	s.exec(`INSERT INTO pending_events (event_id, type, order_id, phase, payload, occurred_at, received_at)
		SELECT 'evt_w_' || i, 'order.paid', 'order_1', CASE i % 2 WHEN 0 THEN 'stuck' ELSE 'waiting' END, '{}', now(), processed_at FROM generate_series(1, 500) i, (SELECT processed_at FROM webhook_events LIMIT 1) w`)
	for _, size := range []int{7, 50, 200, 1000} {
		adding, stop := context.WithCancel(t.Context())
		added := make(chan error)
		go func() {
			for n := 0; adding.Err() == nil; n++ {
				_, err := s.pool.Exec(context.WithoutCancel(adding), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ($1, 'order.paid', 'applied', '{}')`, fmt.Sprintf("new_%d_%d", size, n))
				if err != nil {
					added <- err
					return
				}
			}
			added <- nil
		}()
		ids := slices.DeleteFunc(s.ids(api.Filter{}, size), func(id string) bool { return strings.HasPrefix(id, "new_") })
		stop()
		require.NoError(t, <-added)
		require.Len(t, ids, 1000, "pages of %d", size)
		slices.Sort(ids)
		require.Len(t, slices.Compact(ids), 1000)
		s.exec(`DELETE FROM webhook_events WHERE event_id LIKE 'new%'`)
	}
}

// A rare event lies behind more rows than a page looks at.
func TestARareEventIsFoundInTheEnd(t *testing.T) {
	s := newTables(t)
	s.ended("evt_rare", "order.rare", "", "store_rare", "applied", "workflow", 0)
	s.exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) SELECT 'evt_' || i, 'order.paid', 'applied', '{}' FROM generate_series(1, 25000) i`)
	s.exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT 'evt_i_' || i, '{"type":"order.paid"}', now(), now() FROM generate_series(1, 2500) i`)
	s.exec(`INSERT INTO pending_events (event_id, type, phase, received_at) SELECT 'evt_a_' || i, 'order.paid', 'attention', now() FROM generate_series(1, 11000) i`)
	s.received("evt_rarer", "order.rare", "", "store_rare", 0)
	want := []string{"evt_rarer", "evt_rare"}
	page, err := s.Events(t.Context(), api.Filter{Type: "order.rare"}, "", 50)
	require.NoError(t, err)
	require.Empty(t, page.Data)
	require.NotEmpty(t, page.NextCursor)
	require.Equal(t, want, s.ids(api.Filter{Type: "order.rare"}, 50))
	require.Equal(t, want, s.ids(api.Filter{StoreID: "store_rare"}, 200))
	require.Equal(t, want[1:], s.ids(api.Filter{Type: "order.rare", State: api.StateEnded}, 1))
}

// Bodies of the inbox may be a megabyte each: a page is shorter then.
func TestLargeBodiesMakeAShorterPage(t *testing.T) {
	s := newTables(t)
	s.exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before)
		SELECT 'evt_' || i, convert_to('{"type":"order.paid","data":"' || repeat('x', 1000000) || '"}', 'UTF8'), now(), now() FROM generate_series(1, 20) i`)
	page, err := s.Events(t.Context(), api.Filter{}, "", 200)
	require.NoError(t, err)
	require.Len(t, page.Data, 8)
	require.Len(t, s.ids(api.Filter{Type: "order.paid"}, 200), 20)
}

func TestMalformedCursors(t *testing.T) {
	s := newTables(t)
	s.oneOfEach()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, cursor := range []string{"x", "!", encode(" "), encode("abc"), encode("abc def ghi\x00"), encode("- evt_1"), encode("zzzzzzzzzzzzz evt_1"),
		encode("01 evt_1"), encode("1 \xff"), encode("1"+" evt_1") + "=", strings.Repeat("A", 1000)} {
		_, err := s.Events(t.Context(), api.Filter{}, cursor, 50)
		require.ErrorIs(t, err, view.ErrCursor, cursor)
		_, err = s.Orders(t.Context(), api.OrdersQuery{ListQuery: api.ListQuery{Cursor: cursor, Limit: 50}})
		require.ErrorIs(t, err, view.ErrCursor, cursor)
		_, err = s.Timeline(t.Context(), "order_1", cursor, 50)
		require.ErrorIs(t, err, view.ErrCursor, cursor)
		_, err = s.Audit(t.Context(), api.AuditQuery{ListQuery: api.ListQuery{Cursor: cursor, Limit: 50}})
		require.ErrorIs(t, err, view.ErrCursor, cursor)
	}
}

func TestEmptyListsHaveArrays(t *testing.T) {
	s := newTables(t)
	events, err := s.Events(t.Context(), api.Filter{}, "", 50)
	require.NoError(t, err)
	orders, err := s.Orders(t.Context(), api.OrdersQuery{ListQuery: api.ListQuery{Limit: 50}})
	require.NoError(t, err)
	timeline, err := s.Timeline(t.Context(), "order_1", "", 50)
	require.NoError(t, err)
	audit, err := s.Audit(t.Context(), api.AuditQuery{ListQuery: api.ListQuery{Limit: 50}})
	require.NoError(t, err)
	for _, list := range []any{events, orders, timeline, audit} {
		text, err := json.Marshal(list)
		require.NoError(t, err)
		require.JSONEq(t, `{"data":[],"next_cursor":""}`, string(text))
	}
}

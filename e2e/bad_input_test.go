package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/sample"
	"inorder/workflows"
)

// badInput is an event that nobody should send, and how it must end: with an outcome, in attention, or, if end is empty, in either.
// No bad input may crash the worker.
type badInput struct{ eventType, at, data, end, why string }

func badInputs(order string) map[string]badInput {
	now := time.Now().UTC().Format(time.RFC3339)
	return map[string]badInput{
		"a type of no order family":     {"inventory.low", now, `{"id":"x"}`, "ignored", ""},
		"an unknown type of order's":    {"order.weighed", now, `{"id":"` + order + `","status":"processing"}`, "applied", ""},
		"nothing about the order":       {"order.noted", now, `{"id":"` + order + `"}`, "ignored", ""},
		"no order ID":                   {"order.paid", now, `{"payment_status":"paid"}`, "attention", "order ID"},
		"no usable created_at":          {"order.paid", "yesterday", `{"id":"` + order + `"}`, "attention", "created_at"},
		"dated 100 years ahead":         {"order.paid", "2126-01-01T00:00:00Z", `{"id":"` + order + `"}`, "attention", "MAX_EVENT_SKEW"},
		"data that is not an object":    {"order.paid", now, `[1]`, "attention", "data"},
		"a number beyond 2^53":          {"order.updated", now, fullOrder(order, `"number":9007199254740993,"weight":123456789012345678901234567890`), "applied", ""},
		"a number that is a string":     {"order.updated", now, fullOrder(order, `"number":"A-1001"`), "applied", ""},
		"an amount beyond 2^63":         {"order.updated", now, `{"id":"` + order + `","status":"pending","total":{"amount":92233720368547758080}}`, "attention", "total"},
		"a number jsonb cannot hold":    {"order.updated", now, fullOrder(order, `"x":1e400000`), "attention", "SQLSTATE 22"},
		"10,000 lines":                  {"order.updated", now, fullOrder(order, `"lines":[`+strings.Repeat(`{"id":"line_1","title":"Canvas bag <b>&","quantity":1,"unit_price":{"amount":52000}},`, 9999)+`{}]`), "applied", ""},
		"text with NUL":                 {"order.updated", now, fullOrder(order, `"note":"a\u0000b"`), "applied", ""},
		"text with invalid UTF-8":       {"order.updated", now, fullOrder(order, "\"note\":\"a\xffb\""), "applied", ""},
		"text with half of a surrogate": {"order.updated", now, fullOrder(order, `"note":"a\ud83db"`), "applied", ""},
		"10,000 levels":                 {"order.updated", now, fullOrder(order, `"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)), "", ""},
	}
}

func TestBadInputHasADefinedEnd(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "INBOX=off") // an event that is applied from the inbox, because its start failed, has no workflow to ask
	s.serve()
	c := s.temporal
	order := sample.NewID("order_")
	created := s.send(sample.Options{Type: "order.created", OrderID: order, At: time.Now().Add(-time.Minute)})
	s.eventually("the order is there", func() bool { return s.outcome(created) == "applied" })
	for name, tc := range badInputs(order) {
		t.Run(name, func(t *testing.T) {
			id := sample.NewID("evt_")
			s.deliver(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":%s,"store_id":"store_demo"}`, id, tc.eventType, tc.at, tc.data))
			var state workflows.State
			require.Eventually(t, func() bool {
				v, err := c.QueryWorkflow(context.Background(), id, "", workflows.QueryState)
				return err == nil && v.Get(&state) == nil && (state.Outcome != "" || state.Phase == workflows.PhaseAttention)
			}, testenv.Patience, 50*time.Millisecond)
			if tc.end == "" {
				return // any end will do: it depends on PostgreSQL
			}
			got := string(state.Outcome)
			if got == "" || got == "stale" { // events of the same second may be applied in either order
				got = strings.Replace(got, "stale", "applied", 1) + string(state.Phase)
			}
			require.Equal(t, tc.end, got, state.Detail)
			require.Contains(t, state.Detail, tc.why)
		})
	}
	t.Run("and the worker goes on", func(t *testing.T) {
		id := s.send(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
		s.eventually("the next event is applied", func() bool { return s.outcome(id) == "applied" })
	})
}

func fullOrder(id, more string) string {
	return `{"id":"` + id + `","status":"pending","total":{"amount":1,"currency":"KRW"},` + more + `}`
}

func TestNumbersAndTextAreKept(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.serve()
	id := sample.NewID("evt_")
	s.deliver(fmt.Appendf(nil, `{"id":%q,"type":"order.created","created_at":"2026-01-02T03:04:05Z","data":%s}`, id,
		fullOrder("order_1", `"number":9007199254740993,"weight":123456789012345678901234567890.10,"note":"a\u0000b"`)))
	s.eventually("the event is applied", func() bool { return s.outcome(id) == "applied" })
	var number, weight, note string
	require.NoError(t, s.pool.QueryRow(context.Background(),
		`SELECT number, data->>'weight', data->>'note' FROM orders WHERE id = 'order_1'`).Scan(&number, &weight, &note))
	require.Equal(t, "9007199254740993", number)
	require.Equal(t, "123456789012345678901234567890.10", weight)
	require.Equal(t, "a\uFFFDb", note)
}

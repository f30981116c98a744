package activities_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	tables "inorder/internal/store"
)

func TestApplyEventWritesTheOrderAndTheEventTogether(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, s.apply(created("evt_1")))
	require.JSONEq(t, `{"id":"order_1","store_id":"store_1","number":"1001","status":"pending","payment_status":"unpaid","fulfillment_status":null,
		"total_amount":500,"currency":"KRW","status_at":"2025-01-15T10:00:00+00:00","payment_at":"2025-01-15T10:00:00+00:00","fulfillment_at":null,
		"last_webhook_at":"2025-01-15T10:00:00+00:00","data_event_id":"evt_1",
		"data":{"id":"order_1","number":1001,"status":"pending","payment_status":"unpaid","total":{"amount":500,"currency":"KRW"}}}`,
		s.text(`SELECT to_jsonb(o) - '{created_at,updated_at,data_at,data_rank,payments_listed_at,fulfillments_listed_at,refunds_listed_at,returns_listed_at}'::text[] FROM orders o`))
	require.JSONEq(t, `{"event_id":"evt_1","type":"order.created","order_id":"order_1","outcome":"applied","detail":"",
		"occurred_at":"2025-01-15T10:00:00+00:00","payload":`+created("evt_1")+`}`,
		s.text(`SELECT to_jsonb(e) - '{processed_at,body_hash}'::text[] FROM webhook_events e`))

	s.apply(told("evt_2", "order.paid", 1, `{"id":"order_1"}`))
	require.Equal(t, "paid 2025-01-15 10:01:00+00 pending 2025-01-15 10:01:00+00", s.text(
		`SELECT payment_status || ' ' || (payment_at AT TIME ZONE 'UTC') || '+00 ' || status || ' ' || (last_webhook_at AT TIME ZONE 'UTC') || '+00' FROM orders`))
	require.Equal(t, "evt_1", s.text(`SELECT data_event_id FROM orders`), "a sparse event keeps the snapshot")

	s.apply(told("evt_3", "order.confirmed", 2, `{"id":"order_1","number":"A-7","status":"confirmed","total":{"amount":700,"currency":"USD"}}`))
	require.Equal(t, "A-7 700 USD confirmed paid evt_3", s.text(
		`SELECT concat_ws(' ', number, total_amount, currency, status, payment_status, data_event_id) FROM orders`))
}

func TestApplyEventEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before  []string
		event   string
		outcome inorder.Outcome
		detail  string
	}{
		"stale, with what it lost against": {
			[]string{created("evt_1"), told("evt_2", "order.cancelled", 5, `{"id":"order_1"}`)},
			told("evt_3", "order.confirmed", 4, `{"id":"order_1"}`), inorder.Stale, `status is "cancelled" since 2025-01-15T10:05:00Z`},
		"ignored, of another family": {nil, told("evt_1", "product.updated", 0, `{"id":"prod_1"}`), inorder.Ignored, "it says nothing that the orders table keeps"},
		"ignored, of another family, of a type over 128 characters, with nothing else": {nil,
			`{"id":"evt_1","type":"product.` + strings.Repeat("é", 200) + `"}`, inorder.Ignored, "it says nothing that the orders table keeps"},
		"ignored, says nothing of a missing order": {nil, told("evt_1", "order.updated", 0, `{"id":"order_1"}`), inorder.Ignored, "it says nothing that the orders table keeps"},
		"applied, of an unknown type":              {[]string{created("evt_1")}, told("evt_2", "order.held", 1, `{"id":"order_1","status":"on_hold"}`), inorder.Applied, ""},
		"applied, a second order.created":          {[]string{created("evt_1")}, told("evt_2", "order.created", 1, `{"id":"order_1","status":"draft"}`), inorder.Applied, ""},
		"applied, an hour after its receipt":       {nil, dated("evt_1", received.Add(time.Hour)), inorder.Applied, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, body := range tc.before {
				require.Equal(t, inorder.Applied, s.apply(body).Outcome)
			}
			r := s.apply(tc.event)
			require.Equal(t, tc.outcome, r.Outcome)
			require.Equal(t, tc.detail, r.Detail)
			require.Equal(t, string(tc.outcome)+tc.detail, s.text(`SELECT outcome || detail FROM webhook_events WHERE event_id = $1`, receipt(t, tc.event).EventID))
		})
	}
}

func dated(id string, at time.Time) string {
	return fmt.Sprintf(`{"id":%q,"type":"order.created","created_at":%q,"data":{"id":"order_1"}}`, id, at.Format(time.RFC3339))
}

func TestApplyEventNeedsAPerson(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ event, detail, orderID string }{
		"no order ID":             {told("evt_1", "order.paid", 0, `{}`), "there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters", ""},
		"a huge order ID":         {told("evt_1", "order.paid", 0, `{"id":"`+strings.Repeat("x", 100_000)+`"}`), "there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters", ""},
		"a huge part ID":          {told("evt_1", "return.requested", 1, `{"order_id":"order_1","id":"`+strings.Repeat("x", 20_000)+`"}`), "data.id must have at most 255 characters", "order_1"},
		"no created_at":           {`{"id":"evt_1","type":"order.paid","data":{"id":"order_1"}}`, "there is no time to order the event by: created_at must be an RFC 3339 time", "order_1"},
		"data is not an object":   {told("evt_1", "order.paid", 0, `"secret"`), "data must be a JSON object", ""},
		"a field of another kind": {told("evt_1", "order.updated", 0, `{"id":"order_1","status":["secret"]}`), "data.status must be a string", "order_1"},
		"dated 100 years ahead": {dated("evt_1", received.AddDate(100, 0, 0)),
			"it is dated 2125-01-15T12:00:00Z, which was 876576h0m0s ahead when it was judged at 2025-01-15T12:00:00Z; MAX_EVENT_SKEW allows 1h0m0s: a retry can apply it from 2125-01-15T11:00:00Z on", "order_1"},
		"dated as far ahead as can be": {dated("evt_1", time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -23*60*60))),
			"it is dated 10000-01-01T22:59:59Z, which was 2562047h47m16.854775807s ahead when it was judged at 2025-01-15T12:00:00Z; MAX_EVENT_SKEW allows 1h0m0s: a retry can apply it from 10000-01-01T21:59:59Z on", "order_1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			r := s.apply(tc.event)
			require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, Detail: tc.detail, OrderID: tc.orderID}, r)
			s.requireParked(tc.event, tc.detail, tc.orderID)
		})
	}
	t.Run("an input that is no event at all", func(t *testing.T) {
		s := newStore(t)
		r, err := s.ApplyEvent(t.Context(), raw(`null`), activities.ApplyEventInput{Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: received}})
		require.NoError(t, err)
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, Detail: "the body must be a JSON object"}, r)
		require.Equal(t, "null null", s.text(`SELECT payload::text || ' ' || convert_from(body, 'UTF8') FROM pending_events`))
	})
}

// requireParked checks that the event, and nothing else, is a row in attention, with its body as received.
func (s *store) requireParked(body, detail, orderID string) {
	s.t.Helper()
	require.Equal(s.t, "attention 0 0", s.text(`SELECT concat_ws(' ', phase, (SELECT count(*) FROM webhook_events), (SELECT count(*) FROM orders)) FROM pending_events`))
	require.Equal(s.t, body, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
	require.Equal(s.t, detail, s.text(`SELECT detail FROM pending_events`))
	require.Equal(s.t, orderID, s.text(`SELECT order_id FROM pending_events`))
}

func TestApplyEventTwiceAnswersTheSameAndWritesNothing(t *testing.T) {
	t.Parallel()
	t.Run("applied, with who waits", func(t *testing.T) {
		s := newStore(t)
		require.Equal(t, inorder.Waiting, s.apply(paid("evt_1")).Outcome)
		require.Equal(t, inorder.Waiting, s.apply(told("evt_2", "fulfillment.shipped", 1, `{"id":"ful_1","order_id":"order_1"}`)).Outcome)
		first := s.apply(created("evt_3"))
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1", Waiters: 2}, first)
		stored := s.everything()
		require.Equal(t, first, s.apply(created("evt_3")))
		require.Equal(t, stored, s.everything())
	})
	t.Run("stale", func(t *testing.T) {
		s := newStore(t)
		s.apply(created("evt_1"))
		s.apply(told("evt_2", "order.confirmed", 2, `{"id":"order_1"}`))
		first := s.apply(told("evt_3", "order.cancelled", 1, `{"id":"order_1"}`))
		require.Equal(t, inorder.Stale, first.Outcome)
		s.apply(told("evt_4", "order.completed", 3, `{"id":"order_1"}`))
		stored := s.everything()
		require.Equal(t, first, s.apply(told("evt_3", "order.cancelled", 1, `{"id":"order_1"}`)), "what was recorded, not what would be said now")
		require.Equal(t, stored, s.everything())
	})
	t.Run("ignored", func(t *testing.T) {
		s := newStore(t)
		first := s.apply(told("evt_1", "cart.updated", 0, `{}`))
		stored := s.everything()
		require.Equal(t, first, s.apply(told("evt_1", "cart.updated", 0, `{}`)))
		require.Equal(t, stored, s.everything())
	})
	t.Run("discarded, though it still could not be applied", func(t *testing.T) {
		s := newStore(t)
		bad := told("evt_1", "order.paid", 0, `{}`)
		s.discard(bad, "a test delivery", "ops")
		stored := s.everything()
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Discarded, Detail: "a test delivery (by ops)"}, s.apply(bad))
		require.Equal(t, stored, s.everything())
	})
	t.Run("waiting", func(t *testing.T) {
		s := newStore(t)
		first := s.apply(paid("evt_1"))
		require.Equal(t, first, s.apply(paid("evt_1")))
		require.Equal(t, "1", s.text(`SELECT count(*) FROM pending_events`))
		require.Equal(t, "0", s.text(`SELECT count(*) FROM webhook_events`))
	})
}

func TestApplyEventTakesFourRoundTrips(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	type step struct {
		name  string
		event func(id string) string
		trips int
	}
	part := func(id string) string {
		return told(id, "fulfillment.shipped", 1, `{"id":"ful_`+id+`","order_id":"order_1"}`)
	}
	steps := []step{
		{"waiting", paid, 4},
		{"creates its order", created, 4},
		{"was waiting and is applied", paid, 4},
		{"updates aspects", func(id string) string { return told(id, "order.updated", 2, `{"id":"order_1","status":"draft"}`) }, 4},
		{"updates the snapshot", func(id string) string {
			return told(id, "order.updated", 3, `{"id":"order_1","status":"draft","lines":[]}`)
		}, 4},
		{"stale", func(id string) string { return told(id, "order.updated", 0, `{"id":"order_1","status":"draft"}`) }, 4},
		{"a part", part, 4},
		{"ignored", func(id string) string { return told(id, "cart.updated", 0, `{}`) }, 4},
		{"duplicate", created, 3},
		{"attention", func(id string) string { return told(id, "order.paid", 0, `{}`) }, 4},
	}
	ids := map[string]string{"waiting": "paid", "was waiting and is applied": "paid", "creates its order": "created", "duplicate": "created"}
	conn, err := s.pool.Acquire(t.Context()) // one connection, so that it has prepared every statement after the first round
	require.NoError(t, err)
	defer conn.Release()
	s.Store = tables.New(conn)
	for _, round := range []string{"cold", "warm"} {
		_, err := conn.Exec(t.Context(), `TRUNCATE orders, order_parts, webhook_events, pending_events`)
		require.NoError(t, err)
		for _, step := range steps {
			body := step.event(ids[step.name] + "evt_" + strings.ReplaceAll(step.name, " ", "_"))
			if id, ok := ids[step.name]; ok {
				body = step.event(id)
			}
			trips := s.wire.count(func() { s.apply(body) })
			if round == "warm" {
				require.Equal(t, step.trips, trips, step.name)
			}
		}
	}
}

func TestAnotherBodyUnderTheSameIDIsNoticed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	log, logs := testenv.Logs(t)
	s.Limited = loglimit.New(log, time.Hour)
	s.apply(created("evt_1"))
	s.apply(created("evt_1"))
	require.Empty(t, logs.String(), "the same one again")
	require.Equal(t, inorder.Applied, s.apply(told("evt_1", "order.cancelled", 9, `{"id":"order_1"}`)).Outcome, "what was recorded")
	require.Equal(t, "pending", s.text(`SELECT status FROM orders`))
	require.Contains(t, logs.String(), "another body")
	require.Contains(t, logs.String(), "event_id=evt_1")
	for range 3 {
		s.apply(told("evt_1", "order.cancelled", 9, `{"id":"order_1"}`))
	}
	require.Equal(t, 1, strings.Count(logs.String(), "\n"))
	s.Limited.Flush()
	require.Contains(t, logs.String(), "lines=3")

	odd := told("evt_2", "order.paid", 0, `1e400000`)
	s.discard(odd, "no use", "ops")
	logs.Reset()
	s.apply(odd)
	s.Limited.Flush()
	require.Empty(t, logs.String(), "it is compared as received, whatever is stored of it")
}

func TestTheSameEventAtTheSameTimeHasOneEffect(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.apply(created("evt_1"))
	refund := told("evt_2", "payment.refunded", 1, `{"order_id":"order_1","amount":{"amount":500,"currency":"KRW"}}`)
	release := s.holdOrder()
	var answers []<-chan answer
	for range 2 {
		answers = append(answers, s.start(refund))
	}
	s.blocked(2)
	release()
	for _, a := range answers {
		require.Equal(t, answer{activities.ApplyEventResult{Outcome: inorder.Applied, OrderID: "order_1"}, nil}, <-a)
	}
	require.Equal(t, "500 1", s.text(`SELECT concat_ws(' ', refunded_amount, refunds) FROM order_refunds`))
	require.Equal(t, "1", s.text(`SELECT count(*) FROM webhook_events WHERE event_id = 'evt_2'`))
}

func TestEventsOfOneOrderDoNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.holdOrder()
	require.Equal(t, inorder.Applied, s.apply(told("evt_1", "order.created", 0, `{"id":"order_2"}`)).Outcome)
	require.Equal(t, inorder.Ignored, s.apply(told("evt_2", "cart.updated", 0, `{}`)).Outcome)
}

func TestParts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.apply(created("evt_1"))
	s.apply(told("evt_2", "order.created", 0, `{"id":"order_2"}`))
	refund := func(event, id, order string, amount int) string {
		return told(event, "payment.refunded", 1, fmt.Sprintf(`{"id":%q,"order_id":%q,"amount":{"amount":%d,"currency":"KRW"}}`, id, order, amount))
	}
	t.Run("refunds add up by currency", func(t *testing.T) {
		s.apply(refund("evt_3", "ref_1", "order_1", 100))
		s.apply(refund("evt_4", "ref_2", "order_1", 50))
		s.apply(told("evt_5", "refund.created", 1, `{"id":"ref_3","order_id":"order_1","amount":{"amount":7,"currency":"KRW"}}`))
		require.Equal(t, "150 KRW 2", s.text(`SELECT concat_ws(' ', refunded_amount, currency, refunds) FROM order_refunds WHERE order_id = 'order_1'`))
	})
	t.Run("a part's newer state replaces it", func(t *testing.T) {
		s.apply(told("evt_6", "payment.created", 1, `{"id":"pay_1","order_id":"order_1"}`))
		s.apply(told("evt_7", "payment.completed", 2, `{"id":"pay_1","order_id":"order_1","amount":{"amount":9,"currency":"KRW"}}`))
		require.Equal(t, inorder.Stale, s.apply(told("evt_8", "payment.failed", 1, `{"id":"pay_1","order_id":"order_1"}`)).Outcome)
		require.Equal(t, "completed 9 KRW evt_7", s.text(`SELECT concat_ws(' ', status, amount, currency, event_id) FROM order_parts WHERE kind = 'payment'`))
	})
	t.Run("another order's part is left where it is", func(t *testing.T) {
		stored := s.text(`SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p`)
		foreign := refund("evt_9", "ref_1", "order_2", 5)
		require.Equal(t, activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: "order_2", Detail: "its refund belongs to another order already"}, s.apply(foreign))
		require.Equal(t, stored, s.text(`SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p`))
		require.Equal(t, "attention", s.text(`SELECT phase FROM pending_events WHERE event_id = 'evt_9'`))
		s.discard(foreign, "wrong", "ops")
		require.Equal(t, inorder.Discarded, s.apply(foreign).Outcome)
	})
	t.Run("two orders claim the same part at once: one has it, the other is run again and needs a person", func(t *testing.T) {
		release := s.hold(`INSERT INTO order_parts VALUES ('refund', 'ref_9', 'order_1', 'completed', 5, 'KRW', '{}', 'evt_x', now())`)
		other := refund("evt_10", "ref_9", "order_2", 5)
		done := s.start(other)
		s.blocked(1)
		release()
		requireRetryable(t, (<-done).err)
		require.Equal(t, inorder.Attention, s.apply(other).Outcome)
		require.Equal(t, "order_1", s.text(`SELECT order_id FROM order_parts WHERE id = 'ref_9'`))
	})
}

func TestApplyEventIsRunAgain(t *testing.T) {
	t.Parallel()
	t.Run("when its connection is lost while it waits for the lock", func(t *testing.T) {
		s := newStore(t)
		release := s.holdOrder()
		done := s.start(created("evt_1"))
		s.terminate(s.blocked(1)[0])
		requireRetryable(t, (<-done).err)
		release()
		require.Equal(t, `[]`, s.everything())
		require.Equal(t, inorder.Applied, s.apply(created("evt_1")).Outcome)
	})
	t.Run("when its connection is lost in the middle of writing", func(t *testing.T) {
		s := newStore(t)
		release := s.hold(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ('order_1', '{}', now(), 0, 'x', now())`)
		done := s.start(created("evt_1")) // its webhook_events row is written, its order is not
		s.terminate(s.blocked(1)[0])
		requireRetryable(t, (<-done).err)
		require.Equal(t, `[]`, s.everything())
		release()
	})
	t.Run("when the answer to its commit is lost, and then answers what it did", func(t *testing.T) {
		s := newStore(t)
		s.apply(paid("evt_0"))
		s.apply(created("evt_1"))
		s.wire.loseAnswerTo("commit\x00") // not "read committed"
		requireRetryable(t, (<-s.start(paid("evt_0"))).err)
		stored := s.everything()
		require.Contains(t, stored, `"outcome": "applied"`)
		require.Equal(t, inorder.Applied, s.apply(paid("evt_0")).Outcome)
		require.Equal(t, stored, s.everything())
	})
	t.Run("when another run of it has just committed", func(t *testing.T) {
		s := newStore(t)
		s.apply(created("evt_0"))
		release := s.hold(`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'order.paid', 'stale', '{}')`)
		done := s.start(paid("evt_1"))
		s.blocked(1)
		release()
		requireRetryable(t, (<-done).err)
		require.Equal(t, "unpaid", s.text(`SELECT payment_status FROM orders`), "no second effect")
		require.Equal(t, inorder.Stale, s.apply(paid("evt_1")).Outcome)
	})
}

func (s *store) terminate(pid int32) {
	s.t.Helper()
	require.Equal(s.t, "true", s.text(`SELECT pg_terminate_backend($1)`, pid))
}

func TestWhatPostgreSQLRefusesNeedsAPersonAndIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ event, want string }{
		"a number that numeric cannot hold":  {told("evt_1", "order.updated", 1, `{"id":"order_1","status":"secret","x":1e400000}`), "SQLSTATE 22003"},
		"a number too small":                 {told("evt_1", "order.updated", 1, `{"id":"order_1","status":"secret","x":1e-400000}`), "SQLSTATE 22003"},
		"such a number while it would wait":  {told("evt_1", "order.updated", 1, `{"id":"order_9","status":"secret","x":1e400000}`), "SQLSTATE 22003"},
		"such a number, and nothing else":    {told("evt_1", "order.created", 1, `{"id":"order_9","x":1e400000}`), "SQLSTATE 22003"},
		"a field of another kind, beside it": {told("evt_1", "order.created", 1, `{"id":"order_9","status":7,"x":1e400000}`), "SQLSTATE 22003"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.apply(created("evt_0"))
			r := s.apply(tc.event)
			require.Equal(t, inorder.Attention, r.Outcome)
			require.Contains(t, r.Detail, tc.want)
			require.NotContains(t, r.Detail, "secret")
			require.Equal(t, "attention,,"+r.Detail, s.text(`SELECT concat_ws(',', phase, coalesce(order_id, ''), detail) FROM pending_events`))
			require.Equal(t, tc.event, s.text(`SELECT convert_from(body, 'UTF8') FROM pending_events`))
			require.Equal(t, r, s.apply(tc.event), "again")

			require.Equal(t, inorder.Discarded, s.discard(tc.event, "no use", "ops").Outcome)
			require.Equal(t, "string", s.text(`SELECT jsonb_typeof(payload) FROM webhook_events WHERE event_id = 'evt_1'`))
			require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
			require.Equal(t, inorder.Discarded, s.apply(tc.event).Outcome)
		})
	}
}

func TestALargeOrderApplies(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lines := make([]string, 10_000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"id":"line_%05d","sku":"SKU-%05d","quantity":2,"price":{"amount":%d,"currency":"KRW"},"note":"%s"}`, i, i, 1000+i, "abcdefgh")
	}
	body := told("evt_1", "order.created", 0, `{"id":"order_1","status":"pending","lines":[`+strings.Join(lines, ",")+`]}`)
	require.Greater(t, len(body), 1_000_000)
	require.Equal(t, inorder.Applied, s.apply(body).Outcome)
	require.Equal(t, "10000", s.text(`SELECT jsonb_array_length(data->'lines') FROM orders`))
	require.Equal(t, inorder.Applied, s.apply(told("evt_2", "order.paid", 1, `{"id":"order_1"}`)).Outcome)
}

func TestDeepNestingApplies(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const depth = 9_990 // encoding/json refuses more than 10,000 in all, and so the receiver does
	body := told("evt_1", "order.created", 0, `{"id":"order_1","x":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}`)
	require.Equal(t, inorder.Applied, s.apply(body).Outcome)
	require.Equal(t, strconv.Itoa(2*depth), s.text(`SELECT length(data->>'x') FROM orders`))
}

func TestNumbersAreStoredExactly(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.apply(told("evt_1", "order.created", 0, `{"id":"order_1","number":9007199254740993,"total":{"amount":9007199254740995,"currency":"KRW"},
		"x":[123456789012345678901234567890, 0.1000, 12345678901234567890.123456789, -0]}`))
	require.Equal(t, "9007199254740993 9007199254740995", s.text(`SELECT concat_ws(' ', number, total_amount) FROM orders`))
	require.Equal(t, "9007199254740993 9007199254740995", s.text(`SELECT concat_ws(' ', data->>'number', data->'total'->>'amount') FROM orders`))
	require.Equal(t, "[123456789012345678901234567890, 0.1000, 12345678901234567890.123456789, 0]", s.text(`SELECT data->'x' FROM orders`))
	require.Equal(t, "9007199254740993", s.text(`SELECT payload->'data'->>'number' FROM webhook_events`))
}

func TestTextThatPostgreSQLCannotHoldIsReplaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ note, want string }{
		"NUL":                        {`a\u0000b`, "a\uFFFDb"},
		"invalid UTF-8":              {"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		"half a surrogate pair":      {`a\ud83db`, "a\uFFFDb"},
		"the other half":             {`a\ude00b`, "a\uFFFDb"},
		"a whole pair is kept":       {`a\ud83d\ude00b`, "a😀b"},
		"a backslash before u":       {`a\\u0000b`, `a\u0000b`},
		"what is HTML to others":     {`<a href="\u0026">`, `<a href="&">`},
		"half a pair before a whole": {`\ud83d\ud83d\ude00`, "\uFFFD😀"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			note := strings.ReplaceAll(tc.note, `href="\u0026"`, `href=\"\u0026\"`)
			r := s.apply(told("evt_1", "order.created", 0, `{"id":"order_1","status":"`+note+`","note":"`+note+`"}`))
			require.Equal(t, inorder.Applied, r.Outcome)
			require.Equal(t, tc.want, s.text(`SELECT data->>'note' FROM orders`))
			require.Equal(t, tc.want, s.text(`SELECT status FROM orders`))
			require.Equal(t, tc.want, s.text(`SELECT payload->'data'->>'note' FROM webhook_events`))
		})
	}
	t.Run("a waiting event speaks of the same order when it comes back from the table", func(t *testing.T) {
		s := newStore(t)
		body := told("evt_1", "order.paid", 0, "{\"id\":\"order\xff\xfe\\u0000\\ud800\"}")
		r := s.apply(body)
		require.Equal(t, inorder.Waiting, r.Outcome)
		again, err := inorder.ParseEvent([]byte(s.text(`SELECT payload FROM pending_events`)))
		require.NoError(t, err)
		require.Equal(t, r.OrderID, again.OrderID())
	})
}

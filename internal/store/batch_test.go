package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
)

var fromInbox = Options{Via: ViaInbox, SkipLocked: true, OnlyEnds: true}

// of returns one event of an order, at 10:00 plus so many minutes.
func of(order, id, eventType string, minute int) string {
	data := `{"id":"` + order + `"}`
	if eventType == "order.created" {
		data = `{"id":"` + order + `","status":"pending","total":{"amount":500,"currency":"KRW"}}`
	}
	return told(id, eventType, minute, data)
}

// batch applies the events in one transaction.
func (s *tables) batch(o Options, bodies ...string) []Result {
	s.Helper()
	results, err := s.tryBatch(o, bodies...)
	require.NoError(s, err)
	return results
}

func (s *tables) tryBatch(o Options, bodies ...string) ([]Result, error) {
	events := make([]Event, len(bodies))
	for i, body := range bodies {
		events[i] = s.event(body)
		events[i].ReceivedAt = time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)
	}
	return s.Apply(s.Context(), events, o)
}

func outcomes(results []Result) (list []inorder.Outcome) {
	for _, r := range results {
		list = append(list, r.Outcome)
	}
	return list
}

// stored returns all that is stored about events, except our own times.
func (s *tables) stored() (all string) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), `SELECT concat_ws(E'\n', (SELECT string_agg((to_jsonb(e) - 'processed_at')::text, E'\n' ORDER BY event_id) FROM webhook_events e),
		(SELECT string_agg((to_jsonb(o) - '{created_at,updated_at}'::text[])::text, E'\n' ORDER BY id) FROM orders o),
		(SELECT string_agg(to_jsonb(p)::text, E'\n' ORDER BY kind, id) FROM order_parts p),
		(SELECT string_agg((to_jsonb(p) - 'seen_at')::text, E'\n' ORDER BY event_id) FROM pending_events p))`).Scan(&all))
	return all
}

// Several events of one order are folded: each is recorded as if they had come one after the other, creators first, then by time.
func TestABatchEndsLikeItsEventsOneByOne(t *testing.T) {
	const refund = `{"id":"ref_1","order_id":"order_1","status":"completed","amount":{"amount":300,"currency":"KRW"}}`
	listed := `{"id":"order_1","status":"confirmed","total":{"amount":700,"currency":"KRW"},"refunds":[` + refund + `],"payments":[{"id":"pay_1","status":"completed"}]}`
	sequence := []string{
		created("evt_1"),
		of("order_2", "evt_2", "order.created", 0),
		told("evt_3", "order.reconciled", 2, listed),
		told("evt_4", "order.paid", 1, `{"id":"order_1"}`),
		told("evt_5", "payment.refunded", 3, refund),
		told("evt_6", "payment.refunded", 3, `{"order_id":"order_1","amount":{"amount":20,"currency":"KRW"}}`),
		told("evt_7", "payment.refunded", 3, `{"id":"ref_1","order_id":"order_2","amount":{"amount":5,"currency":"KRW"}}`), // another order's
		told("evt_8", "order.updated", 4, `{"id":"order_1","status":"cancelled","total":{"amount":800,"currency":"KRW"},"refunds":[]}`),
		told("evt_9", "order.confirmed", 5, `{"id":"order_2"}`),
		told("evt_a", "cart.updated", 6, `{"id":"order_2"}`),
		told("evt_b", "order.paid", 7, `{"id":"order_3"}`), // which is missing
		told("evt_c", "order.paid", 8, `{}`),
	}
	want := []inorder.Outcome{"applied", "applied", "applied", "applied", "applied", "applied", "attention", "applied", "applied", "ignored", "waiting", "attention"}
	one, many := newTables(t), newTables(t)
	var alone []Result
	for _, body := range sequence {
		alone = append(alone, one.batch(Options{}, body)...)
	}
	require.Equal(t, want, outcomes(alone))
	mixed := []int{8, 4, 11, 0, 7, 2, 9, 5, 10, 3, 1, 6}
	var bodies []string
	for _, i := range mixed {
		bodies = append(bodies, sequence[i])
	}
	results := many.batch(Options{}, bodies...)
	for place, i := range mixed {
		require.Equal(t, alone[i], results[place], sequence[i])
	}
	require.Equal(t, one.stored(), many.stored())
}

func TestABatchOfTheInboxWritesOnlyWhatEnds(t *testing.T) {
	s := newTables(t)
	require.Equal(t, inorder.Waiting, s.apply(told("evt_waits", "order.paid", 1, `{"id":"order_1"}`)))
	before := s.everything()
	missing, bad := of("order_9", "evt_1", "order.paid", 1), told("evt_2", "order.paid", 1, `{}`)
	results := s.batch(fromInbox, missing, bad, missing)
	require.Equal(t, []Result{{Outcome: inorder.Waiting, Detail: "its order has not been created yet"},
		{Outcome: inorder.Attention, Detail: "there is no order ID: data.order_id or data.id must be a string of 1 to 255 characters"},
		{Outcome: inorder.Waiting, Detail: "its order has not been created yet"}}, results)
	require.Equal(t, before, s.everything())

	results = s.batch(fromInbox, told("evt_3", "cart.updated", 1, `{}`), bad, created("evt_4"), told("evt_5", "order.confirmed", 2, `{"id":"order_1"}`), missing)
	require.Equal(t, []inorder.Outcome{"ignored", "attention", "applied", "applied", "waiting"}, outcomes(results))
	require.Equal(t, 1, results[2].Waiters, "somebody waits for the order")
	require.Equal(t, "3 inbox 1", s.text(`SELECT count(*) || ' ' || min(via) || ' ' || (SELECT count(*) FROM pending_events) FROM webhook_events`))
	require.Equal(t, "confirmed", s.text(`SELECT status FROM orders`))

	results = s.batch(fromInbox, told("evt_waits", "order.paid", 1, `{"id":"order_1"}`))
	require.Equal(t, []Result{{Outcome: inorder.Applied}}, results, "what waited may end this way, too")
	require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
}

func TestABatchAnswersWhatWasRecorded(t *testing.T) {
	s := newTables(t)
	again := []string{created("evt_1"), told("evt_2", "order.paid", 1, `{"id":"order_1"}`), told("evt_3", "order.paid", 0, `{"id":"order_1"}`), told("evt_4", "cart.updated", 1, `{}`)}
	first := s.batch(fromInbox, again[2], again[3], again[1], again[0])
	require.Equal(t, []inorder.Outcome{"applied", "ignored", "applied", "applied"}, outcomes(first))
	before := s.everything()
	for _, o := range []Options{fromInbox, {}} {
		results := s.batch(o, again[2], again[3], again[1], again[0])
		for i, r := range results {
			require.True(t, r.Recorded)
			require.False(t, r.OtherBody)
			require.Equal(t, first[i].Outcome, r.Outcome)
			require.Equal(t, first[i].Detail, r.Detail)
		}
	}
	require.Equal(t, inorder.Applied, s.apply(again[1]), "one by one as well")
	require.Equal(t, before, s.everything())
	require.Equal(t, inorder.Waiting, s.apply(of("order_2", "evt_5", "order.paid", 1)))
	require.Equal(t, []Result{{Outcome: inorder.Applied}}, s.batch(fromInbox, of("order_2", "evt_5", "order.created", 1)), "it does not wait for itself")
	require.True(t, s.batch(fromInbox, told("evt_2", "order.paid", 9, `{"id":"order_1"}`))[0].OtherBody)
}

func TestAnEventThatComesTwiceInABatchHasOneEffect(t *testing.T) {
	s := newTables(t)
	refund := func(amount string) string {
		return told("evt_2", "payment.refunded", 1, `{"order_id":"order_1","amount":{"amount":`+amount+`,"currency":"KRW"}}`)
	}
	results := s.batch(fromInbox, refund("5"), created("evt_1"), refund("5"), created("evt_1"), refund("7"))
	require.Equal(t, []inorder.Outcome{"applied", "applied", "applied", "applied", "applied"}, outcomes(results))
	require.Equal(t, []bool{false, false, true, true, true}, []bool{results[0].Recorded, results[1].Recorded, results[2].Recorded, results[3].Recorded, results[4].Recorded})
	require.True(t, results[4].OtherBody)
	require.False(t, results[2].OtherBody)
	require.Equal(t, "5 2", s.text(`SELECT refunded_amount || ' ' || (SELECT count(*) FROM webhook_events) FROM order_refunds`))
}

func TestDataThatPostgreSQLRefusesFailsTheWholeBatchAndIsNamed(t *testing.T) {
	s := newTables(t)
	bad := told("evt_2", "order.created", 1, `{"id":"order_2","x":1e400000}`)
	for _, o := range []Options{fromInbox, {}} {
		_, err := s.tryBatch(o, told("evt_4", "cart.updated", 1, `{}`), created("evt_1"), bad, told("evt_3", "order.paid", 1, `{"id":"order_1"}`))
		require.True(t, IsLasting(err), err)
		refused := (*RefusedError)(nil)
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "evt_2", refused.EventID)
	}
	require.Equal(t, "", s.everything())
	require.Equal(t, inorder.Applied, s.batch(fromInbox, created("evt_1"))[0].Outcome)
	_, err := s.tryBatch(fromInbox, bad)
	require.True(t, IsLasting(err), err)
}

func (s *tables) text(sql string) (value string) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), `SELECT (`+sql+`)::text`).Scan(&value))
	return value
}

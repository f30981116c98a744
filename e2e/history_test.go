package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/internal/sample"
)

func orders(t *testing.T, n int) int {
	if testing.Short() {
		return n / 10
	}
	t.Helper()
	return n
}

func TestOrderPaidAndCreatedAtTheSameInstant(t *testing.T) {
	s := newSystem(t, "PENDING_RECHECK=1h") // so that only the signal releases waiting events
	s.serve()
	var wg sync.WaitGroup
	n := orders(t, 200)
	at := time.Now().Truncate(time.Second) // the platform's times have whole seconds
	for range n {
		order := sample.NewID("order_")
		gate := make(chan struct{})
		for _, eventType := range []string{"order.paid", "order.created"} {
			body := sample.Event(sample.Options{Type: eventType, OrderID: order, At: at})
			wg.Go(func() {
				<-gate
				s.deliver(body)
			})
		}
		close(gate)
	}
	wg.Wait()
	posted := time.Now()
	s.eventually("nothing waits any more", func() bool {
		return s.count(`SELECT count(*) FROM pending_events`) == 0 && s.count(`SELECT count(*) FROM webhook_events`) == 2*n
	})
	t.Logf("nothing waits %s after the last answer", time.Since(posted).Round(100*time.Millisecond))
	require.Equal(t, n, s.count(`SELECT count(*) FROM orders WHERE payment_status = 'paid'`))
}

func TestShuffledHistoriesEndRight(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.serve()
	h := newHistories(1, orders(t, 1000))
	h.deliverAll(s, func(int64) {})
	h.check(s)
}

func TestShuffledHistoriesEndRightWhenServeIsKilled(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	h := newHistories(2, orders(t, 1000))
	cmd := s.serve()
	half := int64(len(h.deliveries) / 2)
	var restart sync.Once
	h.deliverAll(s, func(sent int64) {
		if sent >= half {
			restart.Do(func() {
				require.NoError(t, cmd.Process.Kill())
				_ = cmd.Wait()
				s.serve()
			})
		}
	})
	h.check(s)
}

// histories are orders with their deliveries, and a model of how each order ends: it applies the events in the order of their
// times. It needs no ranks, locks or clocks, because no two events of an order have the same time.
type histories struct {
	rnd        *rand.Rand
	deliveries [][]byte
	events     int
	ends       map[string]*end
}

type end struct {
	Status, Payment, Fulfillment string
	Total                        int64
	Note                         string // in data, set by each full order
	Parts                        map[string]string
	Refunded                     int64
}

func newHistories(seed uint64, n int) *histories {
	h := &histories{rnd: rand.New(rand.NewPCG(seed, seed)), ends: map[string]*end{}}
	run := sample.NewID("")
	for i := range n {
		h.add(fmt.Sprintf("order_%s_%d", run, i))
	}
	h.rnd.Shuffle(len(h.deliveries), func(i, j int) { h.deliveries[i], h.deliveries[j] = h.deliveries[j], h.deliveries[i] })
	return h
}

// add adds one order with 3 to 8 events, each delivered 1 to 4 times.
func (h *histories) add(order string) {
	e := &end{Parts: map[string]string{}}
	h.ends[order] = e
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	kinds := []func(string, *end) sample.Options{h.full, h.full, h.paid, h.shipped, h.refunded, h.payment}
	steps := []sample.Options{h.created(order, e)}
	for range 2 + h.rnd.IntN(6) {
		steps = append(steps, kinds[h.rnd.IntN(len(kinds))](order, e))
	}
	for i, o := range steps {
		o.OrderID, o.At = order, at.Add(time.Duration(i)*time.Second)
		body := sample.Event(o)
		h.events++
		for range 1 + h.rnd.IntN(4) {
			h.deliveries = append(h.deliveries, body)
		}
	}
}

func (h *histories) created(order string, e *end) sample.Options {
	o := h.full(order, e)
	o.Type = "order.created"
	clear(e.Parts) // a new order has no payment
	return o
}

// full returns an event with a full order, which has the order's payment.
func (h *histories) full(order string, e *end) sample.Options {
	e.Parts["payment pay_"+order] = "completed"
	e.Status = pick(h, "pending", "confirmed", "processing", "completed")
	e.Payment = pick(h, "unpaid", "paid", "partially_paid")
	e.Fulfillment = pick(h, "unfulfilled", "fulfilled")
	e.Total, e.Note = int64(h.rnd.IntN(1000)), sample.NewID("note_")
	return sample.Options{Type: "order.updated", Data: map[string]any{"status": e.Status, "payment_status": e.Payment,
		"fulfillment_status": e.Fulfillment, "total": map[string]any{"amount": e.Total, "currency": "KRW"}, "note": e.Note}}
}

func (h *histories) paid(_ string, e *end) sample.Options {
	e.Payment = "paid"
	return sample.Options{Type: "order.paid"}
}

func (h *histories) shipped(order string, e *end) sample.Options {
	status := pick(h, "shipped", "delivered")
	e.Parts["fulfillment ful_"+order] = status
	return sample.Options{Type: "fulfillment." + status}
}

func (h *histories) payment(order string, e *end) sample.Options {
	status := pick(h, "completed", "failed")
	e.Parts["payment pay_"+order] = status
	return sample.Options{Type: "payment.created", Data: map[string]any{"status": status}}
}

func (h *histories) refunded(_ string, e *end) sample.Options {
	id, amount := sample.NewID("ref_"), int64(h.rnd.IntN(50))
	e.Parts["refund "+id] = "completed"
	e.Refunded += amount
	return sample.Options{Type: "payment.refunded", Data: map[string]any{"id": id, "amount": map[string]any{"amount": amount, "currency": "KRW"}}}
}

func pick(h *histories, values ...string) string { return values[h.rnd.IntN(len(values))] }

// deliverAll sends all deliveries from 16 senders, which retry until the answer is 200. It calls before with each
// delivery's index, before sending it.
func (h *histories) deliverAll(s *system, before func(int64)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(h.deliveries)); i = next.Add(1) - 1 {
				before(i)
				s.deliver(h.deliveries[i])
			}
		})
	}
	wg.Wait()
	s.t.Logf("%d deliveries of %d events are accepted", len(h.deliveries), h.events)
}

func (h *histories) check(s *system) {
	s.t.Helper()
	s.eventually("every event has its row", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events`) == h.events
	})
	require.Zero(s.t, s.count(`SELECT count(*) FROM pending_events`))
	require.Zero(s.t, s.count(`SELECT count(*) FROM webhook_events WHERE outcome NOT IN ('applied', 'stale')`))

	got := map[string]*end{}
	rows, err := s.pool.Query(context.Background(), `
SELECT o.id, status, payment_status, fulfillment_status, total_amount, data->>'note',
       (SELECT coalesce(jsonb_object_agg(kind || ' ' || p.id, p.status), '{}') FROM order_parts p WHERE order_id = o.id),
       (SELECT coalesce(sum(refunded_amount), 0)::bigint FROM order_refunds r WHERE order_id = o.id)
FROM orders o`)
	require.NoError(s.t, err)
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var (
			id    string
			e     end
			parts []byte
		)
		err := row.Scan(&id, &e.Status, &e.Payment, &e.Fulfillment, &e.Total, &e.Note, &parts, &e.Refunded)
		got[id] = &e
		if err == nil {
			err = json.Unmarshal(parts, &e.Parts)
		}
		return struct{}{}, err
	})
	require.NoError(s.t, err)
	require.ElementsMatch(s.t, slices.Collect(maps.Keys(h.ends)), slices.Collect(maps.Keys(got)))
	for id, want := range h.ends {
		require.Equal(s.t, want, got[id], id)
	}
}

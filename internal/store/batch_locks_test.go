package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
)

// Whatever is locked of an order, a batch skips that order's events without waiting, and applies the others.
func TestABatchLeavesOutWhatIsLocked(t *testing.T) {
	about := []string{told("evt_a", "order.confirmed", 6, `{"id":"order_1"}`), told("evt_b", "payment.completed", 6, `{"id":"pay_1","order_id":"order_1"}`)}
	for name, tc := range map[string]struct {
		lock string
		busy []string
	}{
		"the order's advisory lock":        {lock: `SELECT pg_advisory_xact_lock(hashtextextended('order order_1', 0))`, busy: about},
		"the lock of an order to come":     {lock: `SELECT pg_advisory_xact_lock(hashtextextended('order order_9', 0))`, busy: []string{of("order_9", "evt_a", "order.created", 1)}},
		"the lock of an event by itself":   {lock: `SELECT pg_advisory_xact_lock(hashtextextended('event evt_a', 0))`, busy: []string{told("evt_a", "cart.updated", 1, `{}`)}},
		"the order's row":                  {lock: `SELECT 1 FROM orders WHERE id = 'order_1' FOR UPDATE`, busy: about},
		"the order's row, by its own kind": {lock: `UPDATE orders SET number = 'x' WHERE id = 'order_1'`, busy: about},
		"a part's row":                     {lock: `SELECT 1 FROM order_parts FOR UPDATE`, busy: about},
		"the row of a waiting event":       {lock: `SELECT 1 FROM pending_events FOR UPDATE`, busy: []string{of("order_3", "evt_3", "order.paid", 1), of("order_3", "evt_a", "order.created", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTables(t)
			s.apply(created("evt_1"))
			s.apply(told("evt_2", "payment.created", 0, `{"id":"pay_1","order_id":"order_1"}`))
			s.apply(of("order_3", "evt_3", "order.paid", 1))
			s.apply(of("order_4", "evt_4", "order.created", 1))
			release := s.hold(tc.lock)
			others := []string{of("order_5", "evt_o1", "order.created", 1), of("order_4", "evt_o2", "order.paid", 2),
				told("evt_o3", "refund.created", 2, `{"id":"ref_4","order_id":"order_4"}`), told("evt_o4", "cart.updated", 2, `{}`), created("evt_1")}
			// The lock is held all the time. If the batch waited for it, lock_timeout would fail the batch.
			results := s.batch(fromInbox, append(slices.Clone(tc.busy), others...)...)
			for i, r := range results {
				require.Equal(t, i < len(tc.busy), r.Busy, i)
				require.Equal(t, r.Busy, r.Outcome == "", i)
			}
			require.Equal(t, "0", s.text(`SELECT count(*) FROM webhook_events WHERE event_id = 'evt_a'`))
			release()
			require.Eventually(t, func() bool { // PostgreSQL takes a moment to see that the other connection is gone
				return !slices.ContainsFunc(s.batch(fromInbox, tc.busy...), func(r Result) bool { return r.Busy })
			}, testenv.Patience, 5*time.Millisecond)
		})
	}
}

// A part that somebody else is inserting is not visible. The batch fails after a moment, and leaves nothing behind.
func TestABatchWaitsShortlyForWhatCannotBeSeen(t *testing.T) {
	s := newTables(t)
	s.apply(created("evt_1"))
	s.hold(`INSERT INTO order_parts VALUES ('refund', 'ref_1', 'order_1', 'completed', 5, 'KRW', '{}', 'x', now())`)
	before := s.everything()
	_, err := s.tryBatch(fromInbox, told("evt_2", "refund.created", 1, `{"id":"ref_1","order_id":"order_1"}`), of("order_2", "evt_3", "order.created", 1))
	requireBusy(t, err)
	require.Equal(t, before, s.everything())
}

// Batches of the same orders, each in a sequence of its own, with single events between them, don't deadlock.
func TestBatchesOfTheSameOrdersDoNotDeadlock(t *testing.T) {
	s := newTables(t)
	const orders, rounds = 12, 15
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			for round := range rounds {
				s.applyAll(worker, round, orders)
			}
		})
	}
	workers.Wait()
	require.Equal(t, fmt.Sprint(orders), s.text(`SELECT count(*) FROM orders WHERE payment_status = 'paid'`))
	require.Equal(t, fmt.Sprint(4*rounds*orders*3), s.text(`SELECT count(*) FROM webhook_events WHERE outcome IN ('applied', 'stale')`))
	require.Equal(t, fmt.Sprint(4*rounds*orders), s.text(`SELECT count(*) FROM order_parts`))
}

// applyAll applies three events of each order, as a batch that waits, a batch that doesn't, or one by one.
func (s *tables) applyAll(worker, round, orders int) {
	var bodies []string
	for n := range orders {
		order, id := fmt.Sprint("order_", n), fmt.Sprintf("evt_%d_%d_%d", worker, round, n)
		bodies = append(bodies, of(order, id+"c", "order.created", round), of(order, id+"p", "order.paid", round+1),
			told(id+"r", "refund.created", round, `{"id":"`+id+`","order_id":"`+order+`"}`))
	}
	if worker%2 > 0 {
		slices.Reverse(bodies)
	} else {
		rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	}
	for len(bodies) > 0 {
		var results []Result
		var err error
		switch {
		case round%3 == 0:
			results, err = s.tryBatch(Options{}, bodies...)
		case round%3 == 1:
			results, err = s.tryBatch(fromInbox, bodies...)
		default:
			results, err = s.tryBatch(Options{}, bodies[0])
		}
		if busy := (*BusyError)(nil); err != nil {
			require.ErrorAs(s, err, &busy)
			require.True(s, busy.cause == nil || isLockTimeout(busy.cause), err)
			continue
		}
		var left []string
		for i, body := range bodies {
			if i >= len(results) || results[i].Busy || results[i].Outcome == inorder.Waiting {
				left = append(left, body)
			}
		}
		bodies = left
	}
}

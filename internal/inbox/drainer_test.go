package inbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/inbox"
	"inorder/internal/store"
)

func TestWhatEndsNowIsAppliedWithoutAWorkflow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 300 {
		r.put(paid(t, i), created(t, i)) // paid is put first, but events that create orders go first in a batch
	}
	r.put(event(t, "evt_stale", "order.paid", -9, `{"order_id":"order_1","payment_status":"unpaid"}`), event(t, "evt_other", "customer.created", 0, `{}`))
	r.drain(nil)
	r.emptied()
	require.Equal(t, 300, r.count(`SELECT count(*) FROM orders WHERE payment_status = 'paid' AND status = 'pending'`))
	require.Equal(t, 600, r.count(`SELECT count(*) FROM webhook_events WHERE via = 'inbox' AND outcome = 'applied' AND received_at IS NOT NULL`))
	require.Equal(t, "stale via inbox", r.outcome("evt_stale"))
	require.Equal(t, "ignored via inbox", r.outcome("evt_other"))
	require.Empty(t, r.allStarted())
}

func TestWhatDoesNotEndNowBecomesAWorkflow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(paid(t, 1), event(t, "evt_person", "order.paid", 7200, `{"order_id":"order_2"}`))
	r.drain(nil)
	r.emptied()
	require.Equal(t, []string{"evt_paid_1", "evt_person"}, r.allStarted())
	require.Zero(t, r.count(`SELECT count(*) FROM webhook_events`))
	require.Zero(t, r.count(`SELECT count(*) FROM pending_events`), "their workflows write that")
}

func TestWhoeverWaitsIsReleasedByTheCreatorsWorkflow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) VALUES ('evt_waits', 'order_1', 'order.paid', '{}', now(), now(), 'waiting')`)
	r.away = true
	r.put(created(t, 1))
	r.drain(nil)
	r.eventually("the order is there", func() bool { return r.outcome("evt_created_1") == "applied via inbox" })
	require.Equal(t, 1, r.count(`SELECT count(*) FROM event_inbox`), "its row stays until Temporal has its workflow")
	r.mu.Lock()
	r.away = false
	r.mu.Unlock()
	r.emptied()
	require.Positive(t, r.starts("evt_created_1"))
}

// An event that is delivered twice at the same instant takes both ways: its workflow waits, and it is applied from the inbox. The
// workflow is woken even if the drainer that applied the event was killed before it could.
func TestAWorkflowThatWaitsForWhatTheInboxAppliedIsWoken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(paid(t, 1), created(t, 1))
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) VALUES ('evt_paid_1', 'order_1', 'order.paid', '{}', now(), now(), 'waiting')`)
	killed, err := r.store.Drain(t.Context(), store.Claim{Limit: 2, Apply: true}, func(e inorder.Event) store.Event { return store.Read(e, time.Hour) })
	require.NoError(t, err)
	require.Equal(t, "applied via inbox", r.outcome("evt_paid_1"))
	require.Zero(t, r.count(`SELECT count(*) FROM pending_events`))
	require.NotEmpty(t, killed.Start)
	r.drain(nil)
	r.emptied()
	require.Positive(t, r.starts("evt_paid_1"))
}

// Others remove an event's row because Temporal has the event: the receiver whose start went through after all, and the process that started
// its workflow. They learned that before the event was applied, so the row must stay until the workflow is woken.
func TestAWakeThatAKilledDrainerOwesIsNotRemovedByOthers(t *testing.T) {
	t.Parallel()
	drain := func(r *rig) store.Drained {
		d, err := r.store.Drain(t.Context(), store.Claim{Limit: 2, Apply: true}, func(e inorder.Event) store.Event { return store.Read(e, time.Hour) })
		require.NoError(t, err)
		return d
	}
	for name, others := range map[string]func(*rig) int{
		"the receiver": func(*rig) int { return 0 },
		"the process that started it": func(r *rig) int {
			started := drain(r).Start
			require.Len(t, started, 1)
			return started[0].Attempts
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.put(paid(t, 1))
			attempts := others(r)
			r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) VALUES ('evt_paid_1', 'order_1', 'order.paid', '{}', now(), now(), 'waiting')`)
			r.exec(`UPDATE event_inbox SET not_before = now()`)
			r.put(created(t, 1))
			require.NotEmpty(t, drain(r).Start, "it is killed now")
			require.Equal(t, "applied via inbox", r.outcome("evt_paid_1"))
			require.NoError(t, r.store.RemoveInbox(t.Context(), []string{"evt_paid_1"}, attempts))
			r.drain(nil)
			r.emptied()
			require.Positive(t, r.starts("evt_paid_1"))
		})
	}
}

// The order is created while a workflow that will wait for it is being started.
func TestAWorkflowIsWokenAlsoWhenItsStartIsUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	slow := sync.OnceFunc(func() { close(began); <-goOn })
	r.drain(func(o *inbox.Options) {
		o.Start = func(ctx context.Context, e inorder.Event) error {
			slow()
			return r.start(ctx, e)
		}
	})
	r.put(paid(t, 1))
	<-began
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) VALUES ('evt_paid_1', 'order_1', 'order.paid', '{}', now(), now(), 'waiting')`)
	r.put(created(t, 1))
	r.eventually("both are applied", func() bool { return r.outcome("evt_paid_1") == "applied via inbox" })
	close(goOn)
	r.emptied()
	require.GreaterOrEqual(t, r.starts("evt_paid_1"), 2)
}

func TestWhileTemporalIsAwayTheOthersAreApplied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.away = true
	r.put(paid(t, 1), created(t, 2), paid(t, 2))
	r.drain(nil)
	r.eventually("the others are applied", func() bool { return r.outcome("evt_paid_2") == "applied via inbox" })
	r.eventually("it says why it is there", func() bool {
		return r.count(`SELECT count(*) FROM event_inbox WHERE event_id = 'evt_paid_1' AND reason LIKE 'its workflow could not be started%' AND attempts > 0`) == 1
	})
	r.put(created(t, 1)) // makes evt_paid_1 due at once, and able to end
	r.emptied()
	require.Equal(t, "applied via inbox", r.outcome("evt_paid_1"))
	require.Empty(t, r.allStarted())
}

// A locked order delays only its own events, whatever kind of lock it is.
func TestALockedOrderKeepsOnlyItsOwnEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(created(t, 1), created(t, 2))
	r.drain(nil)
	r.emptied()
	tx, err := r.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM orders WHERE id = 'order_1' FOR UPDATE`)
	require.NoError(t, err)
	r.put(paid(t, 1), paid(t, 2))
	r.eventually("the other is applied", func() bool { return r.outcome("evt_paid_2") == "applied via inbox" })
	require.Equal(t, 1, r.count(`SELECT count(*) FROM event_inbox`))
	require.NoError(t, tx.Rollback(t.Context()))
	r.emptied()
	require.Equal(t, "applied via inbox", r.outcome("evt_paid_1"))
}

func TestEveryEventBecomesAWorkflowWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 20 {
		r.put(created(t, i))
	}
	r.drain(func(o *inbox.Options) { o.AllWorkflows = true })
	r.emptied()
	require.Len(t, r.allStarted(), 20)
	require.Zero(t, r.count(`SELECT count(*) FROM webhook_events`))
}

func TestSeveralDrainersApplyEachEventOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 4 {
		r.drain(nil)
	}
	for i := range 400 {
		r.put(created(t, i), paid(t, i))
	}
	r.eventually("the inbox is empty", func() bool { return r.count(`SELECT count(*) FROM event_inbox`) == 0 })
	// An event that found no order may have been started as a workflow, and still be applied from the inbox once its order is created.
	unended := 0
	for _, id := range r.allStarted() {
		unended += r.count(`SELECT count(*) WHERE NOT EXISTS (SELECT FROM webhook_events WHERE event_id = $1)`, id)
	}
	require.Equal(t, 800, r.count(`SELECT count(*) FROM webhook_events`)+unended)
	require.Equal(t, 400, r.count(`SELECT count(*) FROM orders`))
}

// The events that a killed drainer had claimed are free again, because the claim is a transaction.
func TestAClaimEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(created(t, 1))
	claimed, err := pgx.Connect(t.Context(), r.pool.Config().ConnString())
	require.NoError(t, err)
	tx, err := claimed.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM event_inbox FOR UPDATE`)
	require.NoError(t, err)
	r.drain(nil)
	r.put(created(t, 2))
	r.eventually("the other is applied", func() bool { return r.outcome("evt_created_2") != "" })
	require.Empty(t, r.outcome("evt_created_1"))
	require.NoError(t, claimed.PgConn().Conn().Close())
	r.emptied()
	require.Equal(t, "applied via inbox", r.outcome("evt_created_1"))
}

// The largest bodies make batches of few events, so that a batch stays small in bytes.
func TestLargeBodiesMakeSmallBatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	note := strings.Repeat("x", 1<<20-300)
	for i := range 40 {
		r.put(event(t, fmt.Sprint("evt_", i), "order.created", 0, fmt.Sprintf(`{"id":"order_%d","note":%q}`, i, note)))
	}
	drained, err := r.store.Drain(t.Context(), store.Claim{Limit: 256, Apply: true}, func(e inorder.Event) store.Event { return store.Read(e, time.Hour) })
	require.NoError(t, err)
	require.Len(t, drained.Claimed, 4)
	r.drain(nil)
	r.emptied()
	require.Equal(t, 40, r.count(`SELECT count(*) FROM orders`))
}

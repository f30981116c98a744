package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
	"inorder/internal/sample"
	"inorder/workflows"
)

// docs/operations.md's section on backup and restore, followed literally. The copies are of two moments, Temporal's first. Events have
// ended, wait, are stuck, need a person and are in the inbox. After each loss nothing has had its effect twice, what a store has goes
// on, and what neither has is what the document says it is, and comes back in the way that it says.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	refund := v.before()
	v.follows("Or the file of the development server")
	refund["between"] = v.between()
	v.follows("Then PostgreSQL's database of the orders")
	refund["after"] = v.after()

	v.lose("both, restored", v.killTemporal)
	v.restorePostgres()
	v.restoreTemporal()
	require.Equal(t, 1, v.recover(), "what began to wait between the copies")
	require.Empty(t, v.outcome(idOf(t, refund["after"])), "what came after the second one is lost")
	require.NotEmpty(t, v.differing())
	v.takes(refund["between"], refund["after"])
	v.requireWhole(3)

	v.discard("evt_gone_1")  // which waits in the backup
	v.discard("evt_inbox_0") // which is in its inbox
	v.lose("PostgreSQL, restored, and Temporal as it was")
	v.restorePostgres()
	require.Equal(t, 1, v.recover(), "what was given up since the backup waits again")
	require.NotEmpty(t, v.differing())
	_, result, err := v.post(refund["after"])
	require.NoError(t, err)
	require.Equal(t, delivery.ResultDuplicate, result)
	v.requireWhole(2)
	require.Empty(t, v.outcome(idOf(t, refund["after"])), "Temporal knows its ID, and so it is lost")

	v.lose("Temporal's store is an older copy", v.killTemporal)
	v.restoreTemporal()
	require.Equal(t, 4, v.recover(), "what waits, but for three that the copy has")
	v.takes(refund["before"], refund["between"], refund["after"])
	v.requireWhole(3)

	v.lose("Temporal's store is gone", v.killTemporal)
	v.removeTemporal()
	require.Equal(t, len(gone)+1, v.recover(), "all that waits")
	v.requireWhole(3)
	v.requireReleased()
}

// gone are the orders that never came while the servers were lost, by the events that wait for them.
var gone = map[string]string{"evt_gone_0": "order_gone_0", "evt_gone_1": "order_gone_1", "evt_gone_3": "order_gone_3",
	"evt_inbox_0": "order_gone_2", "evt_inbox_1": "order_gone_2", "evt_inbox_2": "order_gone_2"}

func (v *vault) wait(event string) {
	v.deliver(sample.Event(sample.Options{ID: event, Type: "order.paid", OrderID: gone[event]}))
}

// refund delivers one of the order that has three, and returns its body when it has its effect.
func (v *vault) refund(name string) []byte {
	body := sample.Event(sample.Options{ID: "evt_refund_" + name, Type: "payment.refunded", OrderID: "order_made", Data: map[string]any{"id": "ref_" + name}})
	v.takes(body)
	return body
}

// takes delivers events, which are then applied, now or before.
func (v *vault) takes(bodies ...[]byte) {
	v.t.Helper()
	for _, body := range bodies {
		v.deliver(body)
		v.eventually("the event is applied", func() bool { return v.outcome(idOf(v.t, body)) == "applied" })
	}
}

// before is what there is before both copies.
func (v *vault) before() map[string][]byte {
	v.place(8)
	v.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: "order_made", At: time.Now().Add(-time.Hour)}))
	v.wait("evt_gone_0")
	v.deliver([]byte(`{"id":"evt_parked","type":"order.updated","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_made","status":7}}`))
	v.eventually("one is stuck, and one needs a person", func() bool {
		return v.count(`SELECT count(DISTINCT phase) FROM pending_events WHERE phase IN ('stuck', 'attention')`) == 2
	})
	bodies := map[string][]byte{"before": v.refund("before")}
	v.wait("evt_gone_1")
	v.eventually("one waits", func() bool { return v.count(`SELECT count(*) FROM pending_events`) == 3 && v.inbox() == 0 })
	return bodies
}

// between is what happens between the copies: at the second one Temporal is away, and three events are in the inbox.
func (v *vault) between() []byte {
	v.place(4)
	body := v.refund("between")
	v.wait("evt_gone_3")
	v.eventually("another waits", func() bool { return v.count(`SELECT count(*) FROM pending_events`) == 4 && v.inbox() == 0 })
	v.link.cut()
	for i := range 3 {
		v.wait(fmt.Sprint("evt_inbox_", i))
	}
	v.eventually("three are in the inbox", func() bool { return v.inbox() == 3 })
	return body
}

// after is what happens after both copies: new orders, and new states of those that are in them.
func (v *vault) after() []byte {
	v.link.connect()
	v.eventually("the inbox is empty", func() bool { return v.inbox() == 0 })
	for _, o := range v.platform.Orders()[:4] {
		_, err := v.platform.Advance(o.ID, "cancel")
		if err != nil { // it is over
			continue
		}
	}
	v.place(4)
	return v.refund("after")
}

// discard gives an event up, as a person does.
func (v *vault) discard(event string) {
	require.NoError(v.t, v.temporal.SignalWorkflow(v.t.Context(), event, "", workflows.SignalDiscard, map[string]string{"reason": "a test", "actor": "me"}))
	v.eventually("it is given up", func() bool { return v.outcome(event) == "discarded" && !v.running(event) })
}

// lose kills what runs, as if the machine was lost.
func (v *vault) lose(what string, more ...func()) {
	v.t.Log(what)
	require.NoError(v.t, v.serving.Process.Kill())
	_ = v.serving.Wait()
	for _, kill := range more {
		kill()
	}
}

// requireWhole follows the document to its end, and checks that all is as it must be: so many refunds, orders as the platform has
// them, and everything that waits with its workflow, once.
func (v *vault) requireWhole(refunds int) {
	v.t.Helper()
	v.eventually("the inbox is empty", func() bool { return v.inbox() == 0 })
	v.follows("may have changed since PostgreSQL's backup")
	require.Empty(v.t, v.differing())
	require.Equal(v.t, len(v.theirs())+1, v.count(`SELECT count(*) FROM orders`))
	v.eventually("what waits is there", func() bool { return v.count(`SELECT count(*) FROM pending_events`) == len(gone)+1 })
	for event := range gone {
		require.Empty(v.t, v.outcome(event))
	}
	require.Equal(v.t, 1, v.count(`SELECT count(*) FROM pending_events WHERE event_id = 'evt_parked' AND phase = 'attention'`))
	v.eventually("what waits has its workflow, and nothing else does", func() bool {
		return v.found(`WorkflowType = "ProcessEvent" AND ExecutionStatus = "Running"`) == int64(len(gone)+1)
	})
	require.Equal(v.t, refunds, v.count(`SELECT count(*) FROM order_parts WHERE order_id = 'order_made' AND kind = 'refund'`))
	require.Equal(v.t, refunds, v.count(`SELECT refunds FROM order_refunds WHERE order_id = 'order_made'`))
}

// requireReleased creates the orders that events wait for: not one of these was lost.
func (v *vault) requireReleased() {
	for i := range 4 {
		v.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: fmt.Sprint("order_gone_", i), At: time.Now().Add(-time.Hour)}))
	}
	for event := range gone {
		v.eventually("what waited is applied", func() bool { return v.outcome(event) == "applied" || v.outcome(event) == "stale" })
	}
	require.Equal(v.t, 4, v.count(`SELECT count(*) FROM orders WHERE id LIKE 'order_gone_%' AND payment_status = 'paid'`))
}

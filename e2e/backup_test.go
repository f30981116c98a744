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

// TestBackupAndRestore follows the section on backup and restore of docs/operations.md literally. The two copies are taken at different
// times, Temporal's first. Some events have ended; others wait, are stuck, need a person or are in the inbox. After each loss, no event has
// taken effect twice, and events that a store has go on. Events that neither store has are those that the document names, and come back as it says.
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

	v.discard("evt_gone_1")  // in the backup, it waits
	v.discard("evt_inbox_0") // in the backup, it is in the inbox
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

// gone maps each waiting event to its order, which is not created until the end of the test.
var gone = map[string]string{"evt_gone_0": "order_gone_0", "evt_gone_1": "order_gone_1", "evt_gone_3": "order_gone_3",
	"evt_inbox_0": "order_gone_2", "evt_inbox_1": "order_gone_2", "evt_inbox_2": "order_gone_2"}

func (v *vault) wait(event string) {
	v.deliver(sample.Event(sample.Options{ID: event, Type: "order.paid", OrderID: gone[event]}))
}

// refund delivers a refund of order_made, which gets three in all, and returns its body once it is applied.
func (v *vault) refund(name string) []byte {
	body := sample.Event(sample.Options{ID: "evt_refund_" + name, Type: "payment.refunded", OrderID: "order_made", Data: map[string]any{"id": "ref_" + name}})
	v.takes(body)
	return body
}

// takes delivers events, and returns when all of them are applied; some may have been applied before.
func (v *vault) takes(bodies ...[]byte) {
	v.t.Helper()
	for _, body := range bodies {
		v.deliver(body)
		v.eventually("the event is applied", func() bool { return v.outcome(idOf(v.t, body)) == "applied" })
	}
}

// before creates what exists before both copies.
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

// between creates what happens between the copies. At the second copy Temporal is unreachable, and three events are in the inbox.
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

// after creates what happens after both copies: new orders, and new states of orders that the copies have.
func (v *vault) after() []byte {
	v.link.connect()
	v.eventually("the inbox is empty", func() bool { return v.inbox() == 0 })
	for _, o := range v.platform.Orders()[:4] {
		_, err := v.platform.Advance(o.ID, "cancel")
		if err != nil { // the order can't be cancelled any more
			continue
		}
	}
	v.place(4)
	return v.refund("after")
}

// discard discards an event by a signal, as a person does.
func (v *vault) discard(event string) {
	require.NoError(v.t, v.temporal.SignalWorkflow(v.t.Context(), event, "", workflows.SignalDiscard, map[string]string{"reason": "a test", "actor": "me"}))
	v.eventually("it is given up", func() bool { return v.outcome(event) == "discarded" && !v.running(event) })
}

// lose kills inorder, and calls more to kill other servers, as if the machine were lost.
func (v *vault) lose(what string, more ...func()) {
	v.t.Log(what)
	require.NoError(v.t, v.serving.Process.Kill())
	_ = v.serving.Wait()
	for _, kill := range more {
		kill()
	}
}

// requireWhole follows the document to its end, and checks the result: order_made has that many refunds, all orders equal the
// platform's, and each waiting event has exactly one workflow.
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

// requireReleased creates the orders that events wait for, and checks that each event ends: none was lost.
func (v *vault) requireReleased() {
	for i := range 4 {
		v.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: fmt.Sprint("order_gone_", i), At: time.Now().Add(-time.Hour)}))
	}
	for event := range gone {
		v.eventually("what waited is applied", func() bool { return v.outcome(event) == "applied" || v.outcome(event) == "stale" })
	}
	require.Equal(v.t, 4, v.count(`SELECT count(*) FROM orders WHERE id LIKE 'order_gone_%' AND payment_status = 'paid'`))
}

package browser

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The UI's batch operations, as docs/operations.md describes them: a reset retries the events of a view, a cancellation discards them.
func TestBatches(t *testing.T) {
	t.Parallel()
	s := serve(t, "PENDING_RECHECK=1h", "STUCK_AFTER=24h") // so that no event is retried by itself
	for id, order := range map[string]string{"evt_b_1": "order_b", "evt_b_2": "order_b", "evt_b_3": "order_c", "evt_b_4": "order_c"} {
		s.run("send", "order.paid", "--id", id, "--order", order)
		s.awaitPhase(id, "waiting")
	}
	p := s.page()
	s.importOrder("order_b")
	p.view(`OrderId="order_b" AND EventPhase="waiting" AND ExecutionStatus="Running"`, "evt_b_1", "evt_b_2")
	p.click("[data-testid=bulk-reset-button]", "", p.has("dialog[open] button", "Reset"))
	p.click("#reset-event-first", "", func() bool { return evaluate[bool](p, `document.querySelector("#reset-event-first").checked`) })
	p.submit("Reset")
	for _, id := range []string{"evt_b_1", "evt_b_2"} {
		s.eventually(id+" is tried again", func() bool { return s.outcome(id) != "" })
	}
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders WHERE id = 'order_b'`))

	p.view(`OrderId="order_c" AND EventPhase="waiting" AND ExecutionStatus="Running"`, "evt_b_3", "evt_b_4")
	p.click("[data-testid=bulk-cancel-button]", "", p.has("dialog[open] button", "Confirm"))
	p.submit("Confirm")
	for _, id := range []string{"evt_b_3", "evt_b_4"} {
		s.eventually(id+" is given up", func() bool { return s.outcome(id) == "discarded" })
	}
	p.open("/batch-operations")
	p.sees("main *", "Completed")
}

// view opens the list of a query, requires these workflows, and selects all of them.
func (p *page) view(query string, ids ...string) {
	p.Helper()
	p.list(query)
	p.lists(ids...)
	p.click("#select-visible-workflows, label:has(#select-visible-workflows)", "",
		func() bool { return evaluate[bool](p, `document.querySelector("#select-visible-workflows").checked`) })
}

// importOrder creates an order directly in the table, which wakes no waiting event.
func (s *system) importOrder(id string) {
	s.Helper()
	s.exec(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ($1, '{}', 'epoch', 0, 'import', 'epoch')`, id)
}

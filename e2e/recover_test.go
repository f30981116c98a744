package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// Temporal's storage is lost, and all workflows with it. PostgreSQL still knows which events wait and which need a person.
func TestRecoverAfterTemporalLostItsStorage(t *testing.T) {
	s := newSystem(t, "STUCK_AFTER=3s", "PENDING_RECHECK=1s")
	serve := s.serve()
	stuck := s.send(sample.Options{Type: "order.paid", OrderID: "order_1"})
	s.eventually("an event is stuck", func() bool { return s.count(`SELECT count(*) FROM pending_events WHERE phase = 'stuck'`) == 1 })
	s.deliver([]byte(`{"id":"evt_parked","type":"order.updated","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","status":7},"store_id":"store_1"}`))
	ids := []string{stuck}
	for i := range 20 {
		ids = append(ids, s.send(sample.Options{Type: "payment.completed", OrderID: fmt.Sprintf("order_%d", i%2+1)}))
	}
	s.eventually("all are rows", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 22 })
	require.NoError(t, serve.Process.Kill())
	_ = serve.Wait()

	empty, err := stack.Start(t.Context(), stack.Options{Root: testenv.Root(), DatabaseURL: os.Getenv(testenv.DatabaseVariable)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = empty.Stop() })
	s.env = append(s.env, "TEMPORAL_ADDRESS="+empty.TemporalAddress, "TEMPORAL_NAMESPACE=default")
	out, code := s.run("migrate")
	require.Zero(t, code, out)
	out, code = s.run("recover")
	require.Zero(t, code, out)
	require.Contains(t, out, "22 had lost their workflow and are started anew")
	out, code = s.run("recover")
	require.Zero(t, code, out)
	require.Contains(t, out, "0 had lost their workflow and are started anew")

	s.serve()
	s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	s.send(sample.Options{Type: "order.created", OrderID: "order_2"})
	for _, id := range ids {
		s.eventually("what waited ends", func() bool { return s.outcome(id) != "" })
	}
	require.Equal(t, 1, s.count(`SELECT count(*) FROM pending_events WHERE event_id = 'evt_parked' AND phase = 'attention'`))
}

package activities_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	tables "inorder/internal/store"
)

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

// A batch takes as many round trips as one event, whatever becomes of its events.
func TestABatchTakesFourRoundTrips(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	conn, err := s.pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	s.Store = tables.New(conn)
	for _, o := range []tables.Options{{}, {Via: tables.ViaInbox, SkipLocked: true, OnlyEnds: true}} {
		for _, n := range []int{1, 256} {
			for _, round := range []string{"cold", "warm"} {
				var events []tables.Event
				for i := range n {
					id := fmt.Sprintf("%s_%d_%d_%v", round, n, i, o.SkipLocked)
					for _, body := range []string{
						told(id+"_c", "order.created", 0, `{"id":"`+id+`","status":"pending"}`),
						told(id+"_p", "payment.completed", 1, `{"id":"`+id+`","order_id":"`+id+`"}`),
						told(id+"_u", "order.paid", 1, `{"id":"`+id+`"}`),
						told(id+"_w", "order.paid", 1, `{"id":"missing"}`)}[:min(n, 4)] {
						e, err := inorder.ParseEvent([]byte(body))
						require.NoError(t, err)
						e.ReceivedAt = received
						events = append(events, tables.Read(e, time.Hour))
					}
				}
				trips := s.wire.count(func() {
					results, err := s.Store.Apply(t.Context(), events[:n], o)
					require.NoError(t, err)
					require.Equal(t, inorder.Applied, results[0].Outcome)
				})
				if round == "warm" {
					require.Equal(t, 4, trips, n)
				}
			}
		}
	}
}

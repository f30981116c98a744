package inorder_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"inorder"
	"inorder/internal/history"
)

// The law: for any history, any permutation with any duplicates gives the same final order, the one that a simple model
// says, which sorts the history by time and lets every event overwrite.
func TestAnyPermutationWithAnyDuplicatesEndsInTheOrderThatTheModelSays(t *testing.T) {
	for range 5 { // of rapid's 100 checks each
		rapid.Check(t, func(t *rapid.T) {
			events := history.Draw(t, "order_1")
			want := history.Final(events)
			for range 3 {
				require.Equal(t, want, deliver(t, history.Deliveries(t, events)))
			}
		})
	}
}

// deliver does what the dedupe transaction does with its table, and the workflow with its waiting, in memory.
func deliver(t require.TestingT, deliveries []history.Event) inorder.Order {
	var order inorder.Order
	var waiting []inorder.Change
	processed := map[string]bool{}
	for _, e := range deliveries {
		if processed[e.ID] {
			continue
		}
		processed[e.ID] = true
		parsed, err := inorder.ParseEvent(e.Body())
		require.NoError(t, err)
		c, err := parsed.Change()
		require.NoError(t, err)
		d := order.Apply(c)
		order = d.Order
		if d.Outcome == inorder.Waiting {
			waiting = append(waiting, c)
		}
		if d.Created {
			for _, c := range waiting {
				d := order.Apply(c)
				require.NotEqual(t, inorder.Waiting, d.Outcome)
				order = d.Order
			}
		}
	}
	order.Snapshot.Rank = 0
	return order
}

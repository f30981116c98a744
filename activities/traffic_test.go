package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
	tables "inorder/internal/store"
	"inorder/internal/traffic"
)

func TestEndsAreCountedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.Traffic = traffic.New()
	for range 2 {
		s.apply(paid("evt_1")) // waits
		s.apply(created("evt_2"))
		s.apply(paid("evt_1"))
		s.discard(told("evt_3", "order.paid", 0, `{}`), "a test", "ops")
		s.apply(told("evt_4", "cart.updated", 0, `{}`))
	}
	ends := map[inorder.Outcome]int64{}
	s.Traffic.EachEnd(func(outcome inorder.Outcome, via tables.Via, n int64) {
		if via == tables.ViaWorkflow {
			ends[outcome] = n
		}
	})
	require.Equal(t, map[inorder.Outcome]int64{inorder.Applied: 2, inorder.Discarded: 1, inorder.Ignored: 1, inorder.Stale: 0, inorder.Expired: 0}, ends)
}

package e2e

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// deliverAll delivers h's deliveries to the fleet. It starts at[i] together with delivery i, and waits for all that it started.
func (f *fleet) deliverAll(h *histories, at map[int64]func()) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(h.deliveries)); i = next.Add(1) - 1 {
				if do := at[i]; do != nil {
					all.Go(do)
				}
				f.deliver(h.deliveries[i])
			}
		})
	}
	all.Wait()
}

// Each of two nodes under load is killed once. No acknowledged event is lost, no event is applied twice, and every order
// ends right.
func TestTwoServesOfWhichOneIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, newSystem(t), 2)
	for _, n := range f.nodes {
		n.begin(program)
	}
	h := newHistories(3, orders(t, 300))
	killed := func(n *node) func() {
		return func() {
			n.kill()
			n.begin(program)
		}
	}
	all := int64(len(h.deliveries))
	f.deliverAll(h, map[int64]func(){all / 4: killed(f.nodes[0]), all * 5 / 8: killed(f.nodes[1])})
	h.check(f.system)
	f.eventually("nothing is left in the inbox", func() bool { return f.inbox() == 0 })
	for _, n := range f.nodes {
		require.NotZero(t, n.answers.Load())
	}
	require.NotZero(t, f.moved.Load(), "there was load when one was killed")
	t.Logf("%d deliveries of %d events, %d and %d by each; %d went to the other one, %d of them after the connection broke, %d again later; %d events by the inbox", all, h.events,
		f.nodes[0].answers.Load(), f.nodes[1].answers.Load(), f.moved.Load(), f.broken.Load(), f.refused.Load(), f.count(`SELECT count(*) FROM webhook_events WHERE via = 'inbox'`))
}

package inbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/inbox"
	"inorder/internal/store"
	"inorder/internal/traffic"
)

func TestWhatTheDrainerEndsIsCountedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(created(t, 1), paid(t, 1), paid(t, 2), event(t, "evt_other", "customer.created", 0, `{}`))
	counted := traffic.New()
	stop := r.drain(func(o *inbox.Options) { o.Traffic = counted })
	r.emptied()
	stop() // the drainer counts after its transaction, so it may not have counted yet
	ends := map[inorder.Outcome]int64{}
	counted.EachEnd(func(outcome inorder.Outcome, via store.Via, n int64) {
		if via == store.ViaInbox {
			ends[outcome] = n
		} else {
			require.Zero(t, n)
		}
	})
	require.Equal(t, map[inorder.Outcome]int64{inorder.Applied: 2, inorder.Ignored: 1, inorder.Stale: 0, inorder.Discarded: 0, inorder.Expired: 0}, ends)
}

package activities

import (
	"context"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"inorder/internal/sweep"
)

// ReleaseWaiting wakes every event that waits for the order, and returns how many it woke: see sweep.Release.
//
// It may run twice: an event that was woken before is applied once more and finds its row. An attempt continues at the cursor of
// the previous one. If that one failed for some events, the next starts from the beginning, and finds those that still wait.
func (a *Activities) ReleaseWaiting(ctx context.Context, orderID string) (int, error) {
	r := sweep.Release{Store: a.Store, Engine: a.Events, OrderID: orderID}
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &r.Cursor) // with an unreadable cursor, start from the beginning
	}
	var cursor atomic.Pointer[sweep.Cursor]
	r.Progress = func(c sweep.Cursor) { cursor.Store(&c) }
	r.Progress(r.Cursor)
	stop := heartbeat(ctx, func() any { return cursor.Load() })
	defer stop()
	if err := r.Run(ctx); err != nil {
		return 0, err
	}
	if err := r.Failure(); err != nil {
		stop()
		activity.RecordHeartbeat(ctx, sweep.Cursor{})
		return 0, err
	}
	return r.Cursor.Woken, nil
}

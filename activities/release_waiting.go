package activities

import (
	"context"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"inorder/internal/sweep"
)

// ReleaseWaiting wakes every event that waits for the order, and answers how many it woke: see sweep.Release.
//
// It may run twice: an event that is awake already looks once more and finds itself applied. An attempt goes on where the
// one before had come to; after one that failed for some, the next begins anew, and finds those that still wait.
func (a *Activities) ReleaseWaiting(ctx context.Context, orderID string) (int, error) {
	r := sweep.Release{Store: a.Store, Engine: a.Events, OrderID: orderID}
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &r.Place) // what cannot be read begins anew
	}
	var place atomic.Pointer[sweep.Place]
	r.Moved = func(p sweep.Place) { place.Store(&p) }
	r.Moved(r.Place)
	stop := beat(ctx, func() any { return place.Load() })
	defer stop()
	if err := r.Run(ctx); err != nil {
		return 0, err
	}
	if err := r.Failure(); err != nil {
		stop()
		activity.RecordHeartbeat(ctx, sweep.Place{})
		return 0, err
	}
	return r.Place.Woken, nil
}

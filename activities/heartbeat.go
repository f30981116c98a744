package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"inorder/internal/await"
)

// heartbeatEvery is well below every heartbeat timeout.
const heartbeatEvery = 2 * time.Second

// heartbeat sends a heartbeat now and every two seconds until stop is called; stop may be called again. details, which may be
// nil, returns the details that the next attempt gets if this one is cut off. It is called concurrently.
func heartbeat(ctx context.Context, details func() any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	record := func() {
		if details == nil {
			activity.RecordHeartbeat(ctx)
		} else {
			activity.RecordHeartbeat(ctx, details())
		}
	}
	record()
	var running sync.WaitGroup
	running.Go(func() {
		for await.Sleep(ctx, heartbeatEvery) == nil {
			record()
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

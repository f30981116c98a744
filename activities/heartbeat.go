package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeatEvery is well below every heartbeat time-out.
const heartbeatEvery = 2 * time.Second

// beat sends a heartbeat now and every two seconds until stop is called, which may be called again; after it none is sent.
// details, which may be nil, gives what the next attempt finds if this one is cut off; it is called concurrently.
func beat(ctx context.Context, details func() any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	record := func() {
		if details == nil {
			activity.RecordHeartbeat(ctx)
		} else {
			activity.RecordHeartbeat(ctx, details())
		}
	}
	record()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(heartbeatEvery):
				record()
			}
		}
	}()
	return func() {
		cancel()
		<-stopped
	}
}

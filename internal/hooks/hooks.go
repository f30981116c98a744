// Package hooks registers webhooks on the platform, changes, rotates and deletes them, and keeps what it did in
// PostgreSQL: where the receivers find the secrets, and the watchdog what there should be.
//
// Every method may be run again after it was interrupted at any point; its comment says what it then finds.
package hooks

import (
	"context"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// Registrar does it. Platform and Store are needed.
type Registrar struct {
	Platform *platform.Client
	Store    endpoints.Store

	Owner string                                     // user@host, for the metadata of what is registered
	Say   func(format string, args ...any)           // is told what takes long and what was unexpected; default: nobody
	Wait  func(context.Context, time.Duration) error // default: a timer; tests put in their own
	Now   func() time.Time                           // default: time.Now
}

func (r Registrar) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(format, args...)
	}
}

// Clock tells the time: Now says, if it is set.
func (r Registrar) Clock() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r Registrar) wait(ctx context.Context, d time.Duration) error {
	if r.Wait != nil {
		return r.Wait(ctx, d)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// clearing is a context for what must be put right also when ctx has ended.
func clearing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
}

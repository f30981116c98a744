// Package webhooks manages our webhooks at the platform: it registers, changes, rotates, checks and deletes them, and records in
// PostgreSQL how each should be. Package secrets below it holds the secrets that sign their deliveries; a receiver needs only
// that package.
//
// Every method but Create may run again after an interruption at any point; its comment says what a second run does.
package webhooks

import (
	"context"
	"time"

	"inorder/internal/await"
	"inorder/internal/platform"
)

// Registrar manages the webhooks of one API key. Platform and Store are required.
type Registrar struct {
	Platform *platform.Client
	Store    Store

	Owner string                                     // user@host, for the metadata of new webhooks
	Say   func(format string, args ...any)           // prints what takes long and what is unexpected; default: nothing
	Wait  func(context.Context, time.Duration) error // default: a timer; for tests
}

func (r Registrar) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(format, args...)
	}
}

func (r Registrar) wait(ctx context.Context, d time.Duration) error {
	if r.Wait != nil {
		return r.Wait(ctx, d)
	}
	return await.Sleep(ctx, d)
}

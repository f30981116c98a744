package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"inorder/internal/await"
	"inorder/internal/retention"
	"inorder/internal/store"
)

// purgeBatch is how many rows one transaction deletes: a few milliseconds of row locks.
const purgeBatch = 250

// PurgeResult is what a purge did.
type PurgeResult struct {
	Deleted    int64     `json:"deleted"`            // webhook_events rows
	Payloads   int64     `json:"payloads,omitempty"` // payloads removed from webhook_events rows that stay
	Secrets    int64     `json:"secrets,omitempty"`  // webhook_secrets rows, of secrets that ended before OlderThan
	Keys       int64     `json:"keys,omitempty"`     // idempotency_keys rows of requests more than a day ago
	Bulks      int64     `json:"bulks,omitempty"`    // bulk actions that ended before OlderThan
	Refused    int64     `json:"refused,omitempty"`  // refused_deliveries rows
	Audit      int64     `json:"audit,omitempty"`    // audit_log rows
	OlderThan  time.Time `json:"older_than"`         // events that ended before this are gone
	FinishedAt time.Time `json:"finished_at"`
}

// purge is a running purge.
type purge struct {
	*Activities
	now    time.Time
	result PurgeResult
}

// PurgeEvents removes what need not be kept any longer as of now: webhook_events rows, payloads of other rows, webhook_secrets rows and bulk actions that
// ended long ago, stored answers of the admin API, refused deliveries, and rows of the audit. It works in small transactions with pauses between them, so
// that events go on meanwhile. It may run twice: the second run removes what is left.
func (a *Activities) PurgeEvents(ctx context.Context, now time.Time) (PurgeResult, error) {
	p := purge{Activities: a, now: now, result: PurgeResult{OlderThan: now.Add(-a.EventRetention - retention.Slack)}}
	for _, step := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"webhook_events", p.events}, {"payloads", p.payloads}, {"idempotency_keys", p.keys}, {"bulk actions", p.bulks},
		{"refused_deliveries", p.refused}, {"the audit", p.audit}, {"webhook_secrets", p.secrets},
		{"and record the success", p.succeeded},
	} {
		if err := step.run(ctx); err != nil {
			return p.result, fmt.Errorf("purge %s: %w", step.what, err)
		}
	}
	p.result.FinishedAt = time.Now().UTC()
	r := p.result
	a.Log.Info("purged what is no longer kept", "deleted", r.Deleted, "payloads", r.Payloads, "secrets", r.Secrets, "keys", r.Keys, "bulks", r.Bulks,
		"refused", r.Refused, "audit", r.Audit, "older_than", r.OlderThan)
	return r, nil
}

func (p *purge) events(ctx context.Context) error {
	var walk store.Walk
	cutoff := store.Cutoff{Now: p.now, Kept: p.EventRetention + retention.Slack}
	return inBatches(ctx, &p.result.Deleted, full(func() (int64, error) { return p.Store.Purge(ctx, &walk, cutoff, purgeBatch) }))
}

// payloads does nothing if payloads are kept as long as their rows.
func (p *purge) payloads(ctx context.Context) error {
	if p.PayloadRetention <= 0 || p.PayloadRetention >= p.EventRetention {
		return nil
	}
	walk, err := p.Store.PayloadsRemoved(ctx)
	if err != nil {
		return err
	}
	cutoff := store.Cutoff{Now: p.now, Kept: p.PayloadRetention}
	return inBatches(ctx, &p.result.Payloads, full(func() (int64, error) { return p.Store.RemovePayloads(ctx, &walk, cutoff, purgeBatch) }))
}

func (p *purge) keys(ctx context.Context) error {
	return inBatches(ctx, &p.result.Keys, full(func() (int64, error) { return p.Store.PurgeKeys(ctx, purgeBatch) }))
}

func (p *purge) bulks(ctx context.Context) error {
	return inBatches(ctx, &p.result.Bulks, func() (int64, bool, error) { return p.Store.PurgeBulks(ctx, p.result.OlderThan) })
}

func (p *purge) refused(ctx context.Context) error {
	if p.RefusedRetention <= 0 {
		return nil
	}
	cutoff := store.Cutoff{Now: p.now, Kept: p.RefusedRetention}
	return inBatches(ctx, &p.result.Refused, full(func() (int64, error) { return p.Store.PurgeRefused(ctx, cutoff, purgeBatch) }))
}

func (p *purge) audit(ctx context.Context) error {
	return inBatches(ctx, &p.result.Audit, full(func() (int64, error) { return p.Store.PurgeAudit(ctx, purgeBatch) }))
}

func (p *purge) secrets(ctx context.Context) (err error) {
	p.result.Secrets, err = p.Webhooks.Secrets().Purge(ctx, p.result.OlderThan)
	return err
}

func (p *purge) succeeded(ctx context.Context) error { return p.Store.Succeeded(ctx, store.JobPurge) }

// full reports that there may be more if a batch is full.
func full(batch func() (int64, error)) func() (int64, bool, error) {
	return func() (int64, bool, error) {
		n, err := batch()
		return n, n == purgeBatch, err
	}
}

const (
	// pace is how many rows a second a purge removes at most. The WAL and the checkpoints of a faster one would fill the disk's queue, and delay events.
	pace = 2000
	// rest times the duration of a batch is how long the purge pauses after it, at least: on a busy server, the purge slows down.
	rest         = 3
	longestPause = time.Second
)

// inBatches runs batches until nothing is left, and adds their counts to done. Pauses between them leave most of the server's time to events.
func inBatches(ctx context.Context, done *int64, batch func() (n int64, more bool, err error)) error {
	for {
		began := time.Now()
		n, more, err := batch()
		if err != nil {
			return fmt.Errorf("after %d: %w", *done, err)
		}
		*done += n
		activity.RecordHeartbeat(ctx, *done)
		if !more {
			return nil
		}
		took := time.Since(began)
		pause := max(rest*took, time.Duration(n)*time.Second/pace-took)
		if err := await.Sleep(ctx, min(pause, longestPause)); err != nil {
			return err
		}
	}
}

package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"inorder/internal/store"
)

// purgeBatch is how many rows one transaction deletes: a few milliseconds of row locks.
const purgeBatch = 1000

// PurgeResult says what a purge did.
type PurgeResult struct {
	Deleted    int64     `json:"deleted"`           // rows
	Secrets    int64     `json:"secrets,omitempty"` // webhook_secrets rows, of secrets that ended before OlderThan
	Keys       int64     `json:"keys,omitempty"`    // idempotency_keys rows, of requests a day ago
	Bulks      int64     `json:"bulks,omitempty"`   // bulk actions that ended before OlderThan
	OlderThan  time.Time `json:"older_than"`        // what was processed before this is gone
	FinishedAt time.Time `json:"finished_at"`
}

// PurgeEvents deletes the rows of webhook_events that were processed before now minus EventRetention, in small
// transactions, the webhook_secrets and bulk actions that had ended by then, and the answers to requests of the admin API that are no
// longer kept. It may run twice: the second run deletes what is left.
func (a *Activities) PurgeEvents(ctx context.Context, now time.Time) (PurgeResult, error) {
	result := PurgeResult{OlderThan: now.Add(-a.EventRetention)}
	err := inBatches(ctx, &result.Deleted, func() (int64, bool, error) { return full(a.Store.Purge(ctx, result.OlderThan, purgeBatch)) })
	if err != nil {
		return result, fmt.Errorf("purge webhook_events after %d rows: %w", result.Deleted, err)
	}
	err = inBatches(ctx, &result.Keys, func() (int64, bool, error) { return full(a.Store.PurgeKeys(ctx, purgeBatch)) })
	if err != nil {
		return result, fmt.Errorf("purge idempotency_keys after %d rows: %w", result.Keys, err)
	}
	if err := inBatches(ctx, &result.Bulks, func() (int64, bool, error) { return a.Store.PurgeBulks(ctx, result.OlderThan) }); err != nil {
		return result, fmt.Errorf("purge bulk actions after %d: %w", result.Bulks, err)
	}
	if result.Secrets, err = a.Webhooks.Secrets().Purge(ctx, result.OlderThan); err != nil {
		return result, err
	}
	if err := a.Store.Succeeded(ctx, store.JobPurge); err != nil {
		return result, fmt.Errorf("note that the purge succeeded: %w", err)
	}
	result.FinishedAt = time.Now().UTC()
	a.Log.Info("webhook_events purged", "deleted", result.Deleted, "secrets", result.Secrets, "keys", result.Keys, "bulks", result.Bulks, "older_than", result.OlderThan)
	return result, nil
}

// full adds that there is more if a batch is full.
func full(deleted int64, err error) (int64, bool, error) { return deleted, deleted == purgeBatch, err }

// inBatches purges until there is no more, and adds up.
func inBatches(ctx context.Context, deleted *int64, purge func() (n int64, more bool, err error)) error {
	for more := true; more; {
		var n int64
		var err error
		if n, more, err = purge(); err != nil {
			return err
		}
		*deleted += n
		activity.RecordHeartbeat(ctx, *deleted)
	}
	return nil
}

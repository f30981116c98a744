package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
)

// purgeBatch is how many rows one transaction deletes: a few milliseconds of row locks.
const purgeBatch = 1000

// PurgeResult says what a purge did.
type PurgeResult struct {
	Deleted    int64     `json:"deleted"`           // rows
	Secrets    int64     `json:"secrets,omitempty"` // webhook_secrets rows, of secrets that ended before OlderThan
	OlderThan  time.Time `json:"older_than"`        // what was processed before this is gone
	FinishedAt time.Time `json:"finished_at"`
}

// PurgeEvents deletes the rows of webhook_events that were processed before now minus EventRetention, in small
// transactions, and the webhook_secrets that had ended by then. It may run twice: the second run deletes what
// is left.
func (a *Activities) PurgeEvents(ctx context.Context, now time.Time) (PurgeResult, error) {
	result := PurgeResult{OlderThan: now.Add(-a.EventRetention)}
	for {
		deleted, err := a.Store.Purge(ctx, result.OlderThan, purgeBatch)
		if err != nil {
			return result, fmt.Errorf("purge webhook_events after %d rows: %w", result.Deleted, err)
		}
		result.Deleted += deleted
		activity.RecordHeartbeat(ctx, result.Deleted)
		if deleted < purgeBatch {
			break
		}
	}
	var err error
	if result.Secrets, err = a.Webhooks.Secrets().Purge(ctx, result.OlderThan); err != nil {
		return result, err
	}
	result.FinishedAt = time.Now().UTC()
	a.Log.Info("webhook_events purged", "deleted", result.Deleted, "secrets", result.Secrets, "older_than", result.OlderThan)
	return result, nil
}

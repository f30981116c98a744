package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/activity"

	"inorder"
)

const selectWaitersSQL = `
SELECT event_id, payload, received_at FROM pending_events
WHERE order_id = $1
ORDER BY occurred_at, received_at, event_id`

// ReleaseWaiting wakes every event that waits for the order, the oldest first, and answers how many there were. One that
// cannot be woken does not hold up the others. It may run twice: an event that is awake already looks once more and finds
// itself applied.
func (a *Activities) ReleaseWaiting(ctx context.Context, orderID string) (int, error) {
	waiters, err := a.waiters(ctx, orderID)
	if err != nil {
		return 0, fmt.Errorf("find what waits for order %s: %w", orderID, err)
	}
	var failed int
	var first error
	for i, e := range waiters {
		if err := a.Wake(ctx, e); err != nil {
			failed, first = failed+1, cmp.Or(first, fmt.Errorf("wake event %s: %w", e.ID, err))
		}
		activity.RecordHeartbeat(ctx, i+1)
	}
	if failed > 0 {
		return 0, fmt.Errorf("%d of %d waiting events could not be woken: %w", failed, len(waiters), first)
	}
	return len(waiters), nil
}

func (a *Activities) waiters(ctx context.Context, orderID string) ([]inorder.Event, error) {
	var events []inorder.Event
	err := a.inTransaction(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectWaitersSQL, orderID)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (inorder.Event, error) {
			var (
				id         string
				payload    json.RawMessage
				receivedAt time.Time
			)
			if err := row.Scan(&id, &payload, &receivedAt); err != nil {
				return inorder.Event{}, err
			}
			e, err := inorder.ParseEvent(payload)
			e.ID, e.ReceivedAt = id, receivedAt
			return e, err
		})
		return err
	})
	return events, err
}

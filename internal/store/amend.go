package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// The event stays in attention until its workflow has applied the new body, which may be at once.
const amendSQL = `
UPDATE pending_events
SET order_id = nullif($2, ''), type = $3, payload = $4, body = $5, occurred_at = $6, retried_at = $7, amended_at = now(), detail = $8
WHERE event_id = $1 AND phase = 'attention' AND coalesce(body, convert_to(payload::text, 'UTF8')) = $9`

const amendedDetail = "its body was corrected, and it is about to be applied"

var errNotAsItWas = errors.New("the event no longer needs a person, or was amended at the same time")

// Amend corrects the body of an event that needs a person, and records the act. It holds the locks of the orders that
// the old and the new body name, so that no attempt to apply either body is under way. amended is false if the event
// does not need a person any more, or its body is no longer old; then nothing was written. After Amend no other body
// of the event is applied: see Result.Amended. It may run twice if the act has an ID.
func (s *Store) Amend(ctx context.Context, old inorder.Event, e Event, act Act) (amended bool, err error) {
	before := Event{Event: old, Change: inorder.Change{OrderID: old.OrderID()}}
	locks := []string{before.lockName(), e.lockName()}
	slices.Sort(locks)
	err = s.inLine(ctx, "", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL, slices.Compact(locks)); err != nil {
			return err
		}
		recorded, err := tx.Exec(ctx, insertAuditSQL, act.row()...)
		if err != nil || recorded.RowsAffected() == 0 { // it was amended by this very act
			return err
		}
		tag, err := tx.Exec(ctx, amendSQL, e.ID, e.Change.OrderID, e.Type, e.payload(), []byte(e.Body), nullTime(e.OccurredAt), nullTime(e.RetriedAt),
			amendedDetail, []byte(old.Body))
		if err == nil && tag.RowsAffected() == 0 {
			err = errNotAsItWas
		}
		return err
	})
	if errors.Is(err, errNotAsItWas) {
		return false, nil
	}
	return err == nil, err
}

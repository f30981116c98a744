package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/sdk/converter"

	"inorder"
)

// DiscardEventInput says who gave the event up, and why.
type DiscardEventInput struct {
	Receipt Receipt `json:"receipt"`
	Reason  string  `json:"reason"`
	Actor   string  `json:"actor"`
}

// DiscardEvent records that an operator gave the event up, with its payload, and that it waits no longer. It may run
// twice, and answers what was recorded first, also when that is that the event was applied after all.
func (a *Activities) DiscardEvent(ctx context.Context, body converter.RawValue, in DiscardEventInput) (ApplyEventResult, error) {
	e, err := readEvent(body, in.Receipt)
	if err != nil {
		e.Body = body.Payload().GetData() // whatever it is, it is recorded
	}
	result, err := a.discard(ctx, e, in)
	if dataError := new(pgconn.PgError); errors.As(err, &dataError) && classify(err) != err {
		// jsonb does not take it as JSON, so it is kept as one string that holds the text.
		e.Body, _ = json.Marshal(string(e.Body))
		result, err = a.discard(ctx, e, in)
	}
	if err != nil {
		return ApplyEventResult{}, classify(fmt.Errorf("discard event %s: %w", e.ID, err))
	}
	return result, nil
}

func (a *Activities) discard(ctx context.Context, e inorder.Event, in DiscardEventInput) (ApplyEventResult, error) {
	orderID := e.OrderID()
	result := ApplyEventResult{Outcome: inorder.Discarded, OrderID: orderID, Detail: fmt.Sprintf("%s (by %s)", in.Reason, in.Actor)}
	err := a.inTransaction(ctx, func(tx pgx.Tx) error {
		known, err := lockAndRead(ctx, tx, e, inorder.Change{OrderID: orderID})
		if err != nil {
			return err
		}
		if known.outcome != "" {
			result.Outcome, result.Detail = known.outcome, known.detail
			return nil
		}
		b := &pgx.Batch{}
		queueEvent(b, e, orderID, result.Outcome, result.Detail)
		return tx.SendBatch(ctx, b).Close()
	})
	return result, err
}

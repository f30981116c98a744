package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
		e.Body = asText(body.Payload().GetData())
	}
	result, err := a.discard(ctx, e, in)
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && isAboutData(refused) {
		e.Body = asText(e.Body)
		result, err = a.discard(ctx, e, in)
	}
	if err != nil {
		return ApplyEventResult{}, classify(fmt.Errorf("discard event %s: %w", e.ID, err))
	}
	return result, nil
}

// asText is what jsonb does not take as JSON as one string: giving an event up must always work.
func asText(body []byte) json.RawMessage {
	text, _ := json.Marshal(string(body)) // a string always has a JSON form
	return text
}

func (a *Activities) discard(ctx context.Context, e inorder.Event, in DiscardEventInput) (ApplyEventResult, error) {
	orderID := e.OrderID()
	detail := fmt.Sprintf("%s (by %s)", cmp.Or(in.Reason, "no reason given"), cmp.Or(in.Actor, "unknown"))
	result := ApplyEventResult{Outcome: inorder.Discarded, OrderID: orderID, Detail: strings.ReplaceAll(detail, "\x00", "\uFFFD")}
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

package activities

import (
	"cmp"
	"context"
	"fmt"

	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/store"
	"inorder/internal/telemetry"
)

// DiscardEventInput names who gave the event up, and why.
type DiscardEventInput struct {
	Receipt Receipt `json:"receipt"`
	Reason  string  `json:"reason"`
	Actor   string  `json:"actor"`
	// Canceled is set if a cancellation of the workflow gave the event up. Who asked for it is in the run's history, which
	// workflow code can't see.
	Canceled bool `json:"canceled,omitempty"`
	// ActID is the ID of an act that is in the audit already.
	ActID string `json:"act_id,omitempty"`
}

// receivedOrAmended returns the event as a person corrected it, or else as the workflow has it.
func (a *Activities) receivedOrAmended(ctx context.Context, body converter.RawValue, r Receipt) (inorder.Event, error) {
	p, found, err := a.Store.Pending(ctx, r.EventID)
	if err != nil {
		return inorder.Event{}, classify(ctx, err)
	}
	if found && p.Amended {
		return p.Event, nil
	}
	received, _ := readEvent(body, r)
	return received, nil
}

// DiscardEvent records that an operator gave the event up, with its payload, and ends its wait. It may run twice: if the
// event has ended before, for example because it was applied after all, DiscardEvent returns how it ended and how many events
// wait for the order that it created. An act is recorded once.
func (a *Activities) DiscardEvent(ctx context.Context, body converter.RawValue, in DiscardEventInput) (ApplyEventResult, error) {
	received, err := a.receivedOrAmended(ctx, body, in.Receipt)
	if err != nil {
		return ApplyEventResult{}, err
	}
	telemetry.Mark(ctx, received)
	act := store.Act{ID: in.ActID, Actor: in.Actor, Action: store.ActDiscard, Reason: in.Reason, Via: store.ViaTemporal}
	switch {
	case in.Canceled:
		act.Action, act.ID = store.ActCancel, actID(ctx, in.Receipt.EventID, "cancel")
		in.Actor, in.Reason = a.canceledBy(ctx, telemetry.Attrs(received))
		act.Actor, act.Reason = in.Actor, in.Reason
	default:
		_, audited, err := a.Store.Acted(ctx, in.ActID)
		if err != nil {
			return ApplyEventResult{}, fmt.Errorf("find who discarded event %s: %w", in.Receipt.EventID, err)
		}
		if !audited {
			act.ID, act.Actor = actID(ctx, in.Receipt.EventID, "discard"), a.signaledBy(ctx, telemetry.Attrs(received), "discard", in.Actor)
		}
	}
	detail := inorder.Bounded(fmt.Sprintf("%s (by %s)", cmp.Or(in.Reason, "no reason given"), cmp.Or(in.Actor, "unknown")))
	e := store.ReadToDiscard(received)
	e.Act = &act
	if err := a.auditRetry(ctx, e, in.Receipt.RetriedBy); err != nil {
		return ApplyEventResult{}, err
	}
	r, err := a.Store.Discard(ctx, e, detail)
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("discard event %s: %w", e.ID, err))
	}
	result := ApplyEventResult{Outcome: r.Outcome, Detail: r.Detail, OrderID: e.Change.OrderID}
	if r.Recorded {
		result.Waiters = r.Waiters
	} else {
		a.ended(ctx, e.Event, r.Outcome, in.Receipt)
	}
	return result, nil
}

package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/store"
	"inorder/internal/sweep"
)

// DiscardEventInput says who gave the event up, and why.
type DiscardEventInput struct {
	Receipt Receipt `json:"receipt"`
	Reason  string  `json:"reason"`
	Actor   string  `json:"actor"`
	// Canceled is set when a cancellation of the workflow gave the event up. Who asked for it is in the run's history, which
	// workflow code does not see.
	Canceled bool `json:"canceled,omitempty"`
}

// DiscardEvent records that an operator gave the event up, with its payload, and that it waits no longer. It may run
// twice, and answers what was recorded first, also when that is that the event was applied after all; then it also answers
// how many events wait for the order that was created.
func (a *Activities) DiscardEvent(ctx context.Context, body converter.RawValue, in DiscardEventInput) (ApplyEventResult, error) {
	if in.Canceled {
		in.Actor, in.Reason = a.canceledBy(ctx)
	}
	detail := inorder.Bounded(fmt.Sprintf("%s (by %s)", cmp.Or(in.Reason, "no reason given"), cmp.Or(in.Actor, "unknown")))
	e := a.toDiscard(body, in.Receipt)
	r, err := a.Store.Discard(ctx, e, detail)
	if store.IsLasting(err) {
		e.Payload = asText(e.Body)
		r, err = a.Store.Discard(ctx, e, detail)
	}
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("discard event %s: %w", e.ID, err))
	}
	result := ApplyEventResult{Outcome: r.Outcome, Detail: r.Detail, OrderID: e.Change.OrderID}
	if r.Recorded {
		result.Waiters = r.Waiters
	}
	return result, nil
}

// toDiscard reads as much of the event as is needed to give it up: its order, and whether it may have created it.
func (a *Activities) toDiscard(body converter.RawValue, r Receipt) store.Event {
	parsed, err := readEvent(body, r)
	if err != nil {
		return store.Event{Event: parsed, Payload: asText(parsed.Body)}
	}
	change, _ := parsed.Change() // an event that says nothing can be given up, too
	return store.Event{Event: parsed, Change: inorder.Change{OrderID: parsed.OrderID(), Creates: change.Creates}}
}

// asText is what jsonb does not take as JSON as one string: giving an event up must always work.
func asText(body []byte) json.RawMessage {
	text, _ := json.Marshal(string(body)) // a string always has a JSON form
	return text
}

// canceledBy asks Temporal who canceled this activity's workflow. If Temporal does not answer, the event is discarded all the
// same, and nobody is named.
func (a *Activities) canceledBy(ctx context.Context) (actor, reason string) {
	info := activity.GetInfo(ctx)
	r := sweep.Run{EventID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID}
	actor, reason, err := a.Events.CanceledBy(ctx, r)
	if err != nil {
		a.Log.Warn("Temporal does not say who canceled an event", "event_id", r.EventID, "cause", err)
	}
	return cmp.Or(actor, "somebody in Temporal"), cmp.Or(reason, "canceled in Temporal")
}

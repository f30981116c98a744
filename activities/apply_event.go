package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/store"
)

// ApplyEventInput is what ApplyEvent is told beside the event itself.
type ApplyEventInput struct {
	Receipt Receipt       `json:"receipt"`
	Age     time.Duration `json:"age"` // since its receipt, in nanoseconds
}

// ApplyEventResult says what became of the event.
type ApplyEventResult struct {
	Outcome inorder.Outcome `json:"outcome"`
	Detail  string          `json:"detail,omitempty"`
	OrderID string          `json:"order_id,omitempty"`
	// Waiters is how many events wait for the order that this event created.
	Waiters int `json:"waiters,omitempty"`
	// LookAgain is when a waiting event should be applied again by itself, counted from now, in nanoseconds.
	LookAgain time.Duration `json:"look_again,omitempty"`
	// AskPlatform is set when a waiting event is so old that the platform should be asked for its order: see FetchOrder.
	AskPlatform bool `json:"ask_platform,omitempty"`
}

// ApplyEvent applies an event to its order in one transaction and four round trips: see store.Apply.
//
// It may run twice: the event's row in webhook_events is written with the effect, so a second run finds it, answers
// what the first one recorded, and writes nothing. What needs a person is an outcome, Attention, recorded with its reason,
// and not an error; so is what PostgreSQL refuses for good. Every error passes some day (see classify).
func (a *Activities) ApplyEvent(ctx context.Context, body converter.RawValue, in ApplyEventInput) (ApplyEventResult, error) {
	e, reason := a.judge(body, in.Receipt)
	age := max(in.Age, 0) // an event that was received in the future is new
	result := ApplyEventResult{OrderID: e.Change.OrderID}
	found := inorder.FoundSame // by a reconciled order that this run applies
	known, d, err := a.Store.Apply(ctx, e, func(k store.Known) inorder.Decision {
		if reason != "" {
			return inorder.Decision{Outcome: inorder.Attention, Detail: reason}
		}
		d := k.Order.Apply(e.Change)
		switch {
		case d.Outcome == inorder.Waiting:
			wait := a.waitPolicy()
			d.Outcome, _ = wait.at(age, 0)
			result.AskPlatform = wait.asks(age) && d.Outcome != inorder.Expired
		case d.Outcome == inorder.Applied && e.Type == inorder.TypeReconciled:
			found = k.Order.Repaired(e.Change, d.Order)
		}
		return d
	})
	if store.IsLasting(err) {
		return a.park(ctx, e, err)
	}
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("apply event %s: %w", e.ID, err))
	}
	result.Outcome, result.Detail = cmp.Or(known.Outcome, d.Outcome), d.Detail
	if known.Outcome != "" {
		result.Detail = known.Detail
	}
	if known.OtherBody {
		a.Redelivery.Notice(a.Limited, "event_id", e.ID, "event_type", e.Type, "order_id", e.Change.OrderID)
	}
	switch {
	case e.Change.Creates:
		result.Waiters = known.Waiters
	case result.Outcome == inorder.Waiting, result.Outcome == inorder.Stuck:
		_, result.LookAgain = a.waitPolicy().at(age, known.Waiters)
	}
	a.countRepair(found, e)
	return result, nil
}

// park records that PostgreSQL refuses the event's data, so that a person must look at it.
func (a *Activities) park(ctx context.Context, e store.Event, cause error) (ApplyEventResult, error) {
	result := ApplyEventResult{Outcome: inorder.Attention, Detail: store.Describe(cause), OrderID: e.Change.OrderID}
	known, err := a.Store.Park(ctx, e, result.Detail)
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("park event %s: %w", e.ID, err))
	}
	if known.Outcome != "" {
		result.Outcome, result.Detail = known.Outcome, known.Detail
	}
	return result, nil
}

// judge reads what the event says about its order. A reason is why a person must look at it instead; the change then
// holds the order's ID at most.
func (a *Activities) judge(body converter.RawValue, r Receipt) (e store.Event, reason string) {
	parsed, unreadable := readEvent(body, r)
	e.Event = parsed
	change, err := parsed.Change()
	if err = cmp.Or(unreadable, err); err != nil {
		e.Change.OrderID = parsed.OrderID()
		return e, err.Error()
	}
	judgedAt := r.ReceivedAt
	if r.RetriedAt.After(judgedAt) {
		judgedAt = r.RetriedAt
	}
	if reason = change.Ahead(judgedAt, a.MaxEventSkew); reason != "" {
		e.Change.OrderID = change.OrderID
		return e, reason
	}
	e.Change = change
	return e, ""
}

func (a *Activities) countRepair(found inorder.Found, e store.Event) {
	if found == inorder.FoundSame {
		return
	}
	repairs.WithLabelValues(string(found)).Inc()
	a.Log.Info("order repaired", "found", found, "order_id", e.Change.OrderID, "event_id", e.ID)
}

package activities

import (
	"context"

	"inorder"
)

// FetchOrderInput names the order that an event waits for.
type FetchOrderInput struct {
	OrderID string `json:"order_id"`
}

// FetchOrderResult is what the platform answered. It contains nothing of the order itself.
type FetchOrderResult struct {
	// Found reports whether the order is on its way, created by the event EventID, or there already, created by something else meanwhile.
	Found   bool   `json:"found"`
	EventID string `json:"event_id,omitempty"`
	Detail  string `json:"detail,omitempty"` // why the order is not found
}

// FetchOrder asks the platform for an order that is missing here, and starts the workflow of the order.reconciled event
// that creates it. That event then wakes the events that wait for the order. An order that the platform doesn't know is a
// result, not an error.
//
// However many events wait for an order, a process has only one request for it under way. All callers share its answer, and so
// do those that ask within ten seconds after it. It may run twice: the event's ID follows from the order's state, and only a
// missing order gets an event. An error is retried; slowly if the platform refuses the key, until somebody changes it.
func (a *Activities) FetchOrder(ctx context.Context, in FetchOrderInput) (FetchOrderResult, error) {
	if a.Platform == nil {
		return FetchOrderResult{Detail: platformNotSet}, nil
	}
	return a.questions.ask(ctx, in.OrderID, func() (FetchOrderResult, error) { return a.fetchOrder(ctx, in.OrderID) })
}

func (a *Activities) fetchOrder(ctx context.Context, id string) (FetchOrderResult, error) {
	c, err := a.comparer().Order(ctx, id)
	switch {
	case err != nil:
		return FetchOrderResult{}, retrySlowly(err)
	case c.Problem == "" && c.Drift != inorder.DriftMissing: // something else has created it
		return FetchOrderResult{Found: true}, nil
	case c.WhyUnrepaired() != "":
		return FetchOrderResult{Detail: c.WhyUnrepaired()}, nil
	}
	refused, err := a.startRepair(ctx, c.Repair)
	if err != nil || refused != "" {
		return FetchOrderResult{Detail: refused}, err
	}
	return FetchOrderResult{Found: true, EventID: c.Repair.ID}, nil
}

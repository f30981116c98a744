package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/internal/platform"
)

// FetchOrderInput names the order that an event waits for.
type FetchOrderInput struct {
	OrderID string `json:"order_id"`
}

// FetchOrderResult says what the platform answered. It holds nothing of the order itself.
type FetchOrderResult struct {
	// Found is whether the order is on its way: an event of the ID EventID creates it, or something else has meanwhile.
	Found   bool   `json:"found"`
	EventID string `json:"event_id,omitempty"`
	Detail  string `json:"detail,omitempty"` // why it is not found
}

// FetchOrder asks the platform for an order that is missing here, and starts the workflow of an order.reconciled event
// that creates it; that wakes whoever waits for it. An order that the platform does not know either is a result.
//
// However many events wait for an order, one process asks for it once at a time: the others learn that answer, and so do
// those who ask within some seconds after it.
//
// It may run twice: the event's ID follows from the order's state, and only a missing order gets one. Refused for its key
// it is tried again slowly, because that changes only when somebody changes the key.
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
	case c.Problem != "":
		return FetchOrderResult{Detail: c.Problem}, nil
	case c.Found != inorder.FoundMissing:
		return FetchOrderResult{Found: true}, nil
	case c.Unrepairable != "":
		return FetchOrderResult{Detail: c.Unrepairable}, nil
	}
	problem, err := a.begin(ctx, c.Event)
	if err != nil || problem != "" {
		return FetchOrderResult{Detail: problem}, err
	}
	return FetchOrderResult{Found: true, EventID: c.Event.ID}, nil
}

const platformNotSet = "HEADLESS_COMMERCE_API_KEY is not set where the worker runs, so the platform cannot be asked"

func (a *Activities) comparer() Comparer { return Comparer{a.DB, a.Store, a.Platform} }

// begin starts the workflow of an event. One that Temporal refuses as invalid, such as one that is larger than the
// namespace allows, is a problem of its order.
func (a *Activities) begin(ctx context.Context, e inorder.Event) (problem string, err error) {
	e.ReceivedAt = time.Now().UTC()
	err = a.Events.Start(ctx, e)
	if invalid := (*serviceerror.InvalidArgument)(nil); errors.As(err, &invalid) {
		return shortened("Temporal refuses its event " + e.ID + ": " + invalid.Error()), nil
	}
	if err != nil {
		return "", fmt.Errorf("start the event %s of order %s: %w", e.ID, e.OrderID(), err)
	}
	return "", nil
}

// PlatformErrorType is the type of the application error of a platform that refuses to answer until somebody changes
// something, or until it has said that it may be asked again.
const PlatformErrorType = "PlatformRefuses"

// refusedPause is how long a platform that refused a key is left alone.
const refusedPause = 10 * time.Minute

// retrySlowly has Temporal wait with the next attempt where asking soon is of no use.
func retrySlowly(err error) error {
	var refused *platform.Error
	pause := time.Duration(0)
	switch {
	case platform.IsUnauthorized(err), errors.Is(err, errNoDate):
		pause = refusedPause
	case errors.As(err, &refused):
		pause = min(refused.RetryAfter, time.Hour)
	}
	if pause == 0 {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), PlatformErrorType, temporal.ApplicationErrorOptions{NextRetryDelay: pause})
}

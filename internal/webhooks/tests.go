package webhooks

import (
	"context"
	"fmt"

	"inorder/internal/platform"
	"inorder/internal/store"
)

// Tests marks the events of test deliveries, and removes what they wrote. It touches no order that the platform has, so even on a
// busy system no real event is taken for a test.
type Tests struct {
	Registrar
	Events *store.Store
	GiveUp func(ctx context.Context, eventID string) error // discards an event that waits
}

// Mark marks an event that arrived during a test, unless its order is real or the event waits. It returns the order's ID, or ""
// if the event is about no order, and whether the order is real. It may be repeated.
func (t Tests) Mark(ctx context.Context, eventID string) (orderID string, real bool, err error) {
	event, found, err := t.Events.Tested(ctx, eventID)
	if err != nil {
		return "", false, fmt.Errorf("find the event %s: %w", eventID, err)
	}
	if !found || event.OrderID == "" {
		return "", false, nil
	}
	real, err = t.isReal(ctx, event.OrderID)
	if err == nil && !real && !event.Waits {
		if err = t.Events.MarkTest(ctx, eventID); err != nil {
			err = fmt.Errorf("mark the event %s: %w", eventID, err)
		}
	}
	return event.OrderID, real, err
}

// isReal reports whether the platform has the order. A key of another mode than the recorded webhooks' is an error: the platform
// would find none of our orders.
func (t Tests) isReal(ctx context.Context, orderID string) (bool, error) {
	records, err := t.Store.List(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if r.Mode != t.Platform.Mode() {
			return false, fmt.Errorf("can't tell whether order %s is real: HEADLESS_COMMERCE_API_KEY is a %s-mode key, and webhook %s is of %s mode",
				orderID, t.Platform.Mode(), r.ID, r.Mode)
		}
	}
	_, err = t.Platform.GetOrder(ctx, orderID)
	if platform.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask the platform whether order %s is real: %w", orderID, err)
	}
	return true, nil
}

// Remove removes what a test event wrote, and returns in words what it did: it deletes the order that the event made, or discards
// the event if it waits. It may be repeated.
func (t Tests) Remove(ctx context.Context, eventID string) (done string, err error) {
	event, found, err := t.Events.Tested(ctx, eventID)
	switch {
	case err != nil:
		return "", fmt.Errorf("find the event %s: %w", eventID, err)
	case !found:
		return "", fmt.Errorf("there is no event %s here", eventID)
	case !event.Waits && !event.Marked:
		return "", fmt.Errorf("event %s is not marked as a test, so nothing is removed; `inorder hooks test` marks the events that it causes", eventID)
	case event.OrderID == "":
		return "", fmt.Errorf("event %s is about no order, so it wrote none", eventID)
	}
	real, err := t.isReal(ctx, event.OrderID)
	if err != nil {
		return "", err
	}
	if real {
		return "", fmt.Errorf("order %s exists on the platform, so nothing is removed", event.OrderID)
	}
	if event.Waits {
		return fmt.Sprintf("%s waited for order %s, and is discarded", eventID, event.OrderID), t.GiveUp(ctx, eventID)
	}
	removed, err := t.Events.RemoveTestOrder(ctx, event.OrderID)
	if removed {
		return "Order " + event.OrderID + " is removed, with its parts; the event's row stays, so that it is not applied again", err
	}
	return "Order " + event.OrderID + " does not exist here: there is nothing to remove", err
}

package main

import (
	"context"
	"fmt"
	"io"

	"inorder/internal/platform"
	"inorder/internal/store"
	"inorder/worker"
	"inorder/workflows"
)

// markTests marks which of the events that arrived are tests, and says how to remove what they wrote: those about an order that
// the platform does not know. So no real event is taken for one, however busy the system is.
func (d *hookDesk) markTests(ctx context.Context, out io.Writer, ids []string) error {
	events := store.New(d.pool)
	for _, id := range ids {
		event, found, err := events.Tested(ctx, id)
		if err != nil {
			return fmt.Errorf("look for the event %s: %w", id, err)
		}
		if !found || event.OrderID == "" {
			continue
		}
		real, err := d.isReal(ctx, event.OrderID)
		if err != nil {
			return err
		}
		if real {
			fmt.Fprintf(out, "%s is about order %s, which is on the platform: it is no mere test, and not marked as one\n", id, event.OrderID)
			continue
		}
		if !event.Waits {
			if err := events.MarkTest(ctx, id); err != nil {
				return fmt.Errorf("mark the event %s: %w", id, err)
			}
		}
		fmt.Fprintf(out, "Its order %s is not on the platform. Remove what the test wrote:\n  inorder hooks test --remove %s\n", event.OrderID, id)
	}
	return nil
}

// isReal reports whether the platform has the order. It asks only with a key of the mode whose orders are here: with another
// one none of them would be found.
func (d *hookDesk) isReal(ctx context.Context, orderID string) (bool, error) {
	endpoints, err := d.Store.List(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range endpoints {
		if e.Mode != d.Platform.Mode() {
			return false, fmt.Errorf("whether order %s is a real one can't be told: HEADLESS_COMMERCE_API_KEY is a %s-mode key, and webhook %s is of %s mode",
				orderID, d.Platform.Mode(), e.ID, e.Mode)
		}
	}
	_, err = d.Platform.GetOrder(ctx, orderID)
	if platform.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask the platform whether order %s is a real one: %w", orderID, err)
	}
	return true, nil
}

// removeTest removes what a test event wrote: it gives up one that waits, and deletes the order of one that made it.
func (d *hookDesk) removeTest(ctx context.Context, out io.Writer, id string) error {
	events := store.New(d.pool)
	event, found, err := events.Tested(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("look for the event %s: %w", id, err)
	case !found:
		return fmt.Errorf("there is no event %s here", id)
	case !event.Waits && !event.Marked:
		return fmt.Errorf("event %s is not marked as a test, so nothing is removed; `inorder hooks test` marks those that it makes", id)
	case event.OrderID == "":
		return fmt.Errorf("event %s is about no order, so it wrote none", id)
	}
	real, err := d.isReal(ctx, event.OrderID)
	if err != nil {
		return err
	}
	if real {
		return fmt.Errorf("order %s is on the platform, so it is a real one: nothing is removed", event.OrderID)
	}
	if event.Waits {
		if err := d.checkOwner(ctx); err != nil {
			return err
		}
		reason := workflows.Discard{Reason: store.TestMark, Actor: d.Owner}
		if err := d.temporal.SignalWorkflow(ctx, id, "", workflows.SignalDiscard, reason); err != nil {
			return fmt.Errorf("give the waiting event %s up: %w", id, err)
		}
		fmt.Fprintf(out, "%s waited for order %s, and is given up\n", id, event.OrderID)
		return nil
	}
	removed, err := events.RemoveTestOrder(ctx, event.OrderID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", map[bool]string{
		true:  "Order " + event.OrderID + " is removed, with its parts; the event's row stays, so that it is not applied again",
		false: "Order " + event.OrderID + " is not here: nothing is left to remove",
	}[removed])
	return nil
}

// checkOwner must succeed before a workflow is signaled: in another system's namespace, the event's ID is another event.
func (d *hookDesk) checkOwner(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	return worker.CheckOwner(ctx, worker.Options{Client: d.temporal, Namespace: d.Temporal.Namespace, Pool: d.pool})
}

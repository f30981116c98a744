package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"inorder/internal/reconcile"
	"inorder/internal/store"
)

// ReconcilePlan is what one reconciliation compares. It is in the history, so a changed setting doesn't affect a running reconciliation.
type ReconcilePlan struct {
	NotSet string    `json:"not_set,omitempty"` // if set, why there is nothing to do
	Since  time.Time `json:"since"`
}

// PlanReconcile returns from which time of creation on orders are compared: ReconcileWindow before now. It only reads
// settings, and may run twice.
func (a *Activities) PlanReconcile(_ context.Context, now time.Time) (ReconcilePlan, error) {
	if a.Platform == nil {
		return ReconcilePlan{NotSet: platformNotSet}, nil
	}
	return ReconcilePlan{Since: now.Add(-a.ReconcileWindow).UTC().Truncate(time.Second)}, nil
}

// ReconcilePageInput names a page, and whether orders that drifted are repaired at once.
type ReconcilePageInput struct {
	Since  time.Time        `json:"since"`
	At     reconcile.Cursor `json:"at"`
	Repair bool             `json:"repair"`
}

// ReconcilePageResult is the result of one page.
type ReconcilePageResult struct {
	reconcile.Totals
	Suspects []string          `json:"suspects,omitempty"` // orders that drifted and were not repaired: compare them once more
	Next     *reconcile.Cursor `json:"next,omitempty"`     // nil after the last page
	Stopped  string            `json:"stopped,omitempty"`  // why a listing was left before its end; Next then belongs to another listing
}

// ReconcilePage compares one page of the platform's orders with ours. With Repair it repairs those that drifted, each
// through an order.reconciled event, and returns when the events have ended.
//
// It may run twice: orders that the first run repaired have no drift any more, and the metric counts each repair once. The
// totals of a run that was cut off are lost.
func (a *Activities) ReconcilePage(ctx context.Context, in ReconcilePageInput) (ReconcilePageResult, error) {
	defer heartbeat(ctx, nil)()
	page, err := a.comparer().Page(ctx, in.Since, in.At)
	if err != nil {
		return ReconcilePageResult{}, retrySlowly(err)
	}
	r := ReconcilePageResult{Totals: reconcile.Totals{Compared: len(page.Orders)}, Next: page.Next, Stopped: page.Stopped}
	var repair []reconcile.Compared
	for _, c := range page.Orders {
		switch {
		case !c.Drifted():
		case c.OrderID == "": // without an ID, it can't be compared again
			r.AddUnrepaired(c, c.Problem)
		case in.Repair && c.WhyUnrepaired() == "":
			repair = append(repair, c)
		default:
			r.Suspects = append(r.Suspects, c.OrderID)
		}
	}
	totals, err := a.repair(ctx, repair)
	r.Add(totals)
	return r, err
}

// RepairOrdersInput names the orders to compare and repair.
type RepairOrdersInput struct {
	Orders []string `json:"orders"`
}

// RepairOrders compares orders one by one, and repairs those that drifted, as ReconcilePage does. The notes of its totals say
// what could not be repaired, and why. Like ReconcilePage, it may run twice.
func (a *Activities) RepairOrders(ctx context.Context, in RepairOrdersInput) (reconcile.Totals, error) {
	defer heartbeat(ctx, nil)()
	var repair []reconcile.Compared
	t := reconcile.Totals{Compared: len(in.Orders)}
	for _, id := range in.Orders {
		c, err := a.comparer().Order(ctx, id)
		if err != nil {
			return reconcile.Totals{}, retrySlowly(err)
		}
		if why := c.WhyUnrepaired(); why != "" {
			t.AddUnrepaired(c, why)
		} else if c.Drifted() {
			repair = append(repair, c)
		}
	}
	totals, err := a.repair(ctx, repair)
	t.Add(totals)
	return t, err
}

// ListClosed returns the IDs of the orders that are open here but not on the platform: see reconcile.OpenHereAlone. An error
// of StoppedErrorType says why they can't be determined. It changes nothing, and may run twice.
func (a *Activities) ListClosed(ctx context.Context, since time.Time) ([]string, error) {
	defer heartbeat(ctx, nil)()
	ids, stopped, err := a.comparer().OpenHereAlone(ctx, since)
	switch {
	case err != nil:
		return nil, retrySlowly(err)
	case stopped != "": // an error, because the result was a plain list before listings could stop
		return nil, temporal.NewNonRetryableApplicationError(stopped, StoppedErrorType, nil)
	}
	return ids, nil
}

// FinishReconcileInput is the result of a reconciliation.
type FinishReconcileInput struct {
	reconcile.Totals
	Stopped string `json:"stopped,omitempty"` // why not all orders were compared; then the reconciliation is no success
}

// FinishReconcile records the end of a reconciliation of all orders in PostgreSQL, the metrics and the log. It may run twice: the log
// then has the line twice.
func (a *Activities) FinishReconcile(ctx context.Context, in FinishReconcileInput) error {
	counts := []any{"compared", in.Compared, "missing", in.Missing, "different", in.Different, "silent", in.Silent, "unrepaired", in.Unrepaired}
	if in.Stopped != "" {
		a.Log.Error("orders partly reconciled", append(counts, "stopped", in.Stopped)...)
		return nil
	}
	if err := a.Store.Succeeded(ctx, store.JobReconcile); err != nil {
		return fmt.Errorf("record that the reconciliation succeeded: %w", err)
	}
	a.Reconcile.Succeeded()
	a.Log.Info("orders reconciled", counts...)
	return nil
}

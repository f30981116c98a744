package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"inorder"
)

// ReconcilePlan is what a reconciliation goes by. It is in the history, so a changed setting changes nothing under way.
type ReconcilePlan struct {
	NotSet string    `json:"not_set,omitempty"` // why there is nothing to do
	Since  time.Time `json:"since"`
}

// PlanReconcile answers since when orders are compared: ReconcileWindow before now. It reads settings alone.
func (a *Activities) PlanReconcile(_ context.Context, now time.Time) (ReconcilePlan, error) {
	if a.Platform == nil {
		return ReconcilePlan{NotSet: platformNotSet}, nil
	}
	return ReconcilePlan{Since: now.Add(-a.ReconcileWindow).UTC().Truncate(time.Second)}, nil
}

// ReconcilePageInput names a page, and whether orders that differ are repaired at once.
type ReconcilePageInput struct {
	Since  time.Time `json:"since"`
	At     Place     `json:"at"`
	Repair bool      `json:"repair"`
}

// ReconcilePageResult says what a page came to.
type ReconcilePageResult struct {
	Tally
	Suspects []string `json:"suspects,omitempty"` // orders to look at again
	Next     *Place   `json:"next,omitempty"`     // nil after the last page
	Stopped  string   `json:"stopped,omitempty"`  // why a listing was left before its end; Next is then of another one
}

// ReconcilePage compares one page of the platform's orders with ours. It repairs those that differ, each through an
// order.reconciled event, and returns when the events are applied. Those that it may not or cannot repair it answers.
//
// It may run twice: what the first run repaired differs no more, and is repaired and counted by the metric once. The
// tally of a run that was cut off is lost.
func (a *Activities) ReconcilePage(ctx context.Context, in ReconcilePageInput) (ReconcilePageResult, error) {
	defer heartbeat(ctx, nil)()
	page, err := a.comparer().Page(ctx, in.Since, in.At)
	if err != nil {
		return ReconcilePageResult{}, retrySlowly(err)
	}
	r := ReconcilePageResult{Tally: Tally{Compared: len(page.Orders)}, Next: page.Next, Stopped: page.Stopped}
	var repair []Compared
	for _, c := range page.Orders {
		switch {
		case !c.Differs():
		case c.OrderID == "": // nobody could look at it again
			r.unrepaired(c, c.Problem)
		case in.Repair && c.Problem == "" && c.Unrepairable == "":
			repair = append(repair, c)
		default:
			r.Suspects = append(r.Suspects, c.OrderID)
		}
	}
	tally, err := a.repair(ctx, repair)
	r.Add(tally)
	return r, err
}

// RepairOrdersInput names orders.
type RepairOrdersInput struct {
	Orders []string `json:"orders"`
}

// RepairOrders compares orders one by one and repairs those that differ, as ReconcilePage does. What it cannot repair it
// says in its notes. It may run twice, as ReconcilePage may.
func (a *Activities) RepairOrders(ctx context.Context, in RepairOrdersInput) (Tally, error) {
	defer heartbeat(ctx, nil)()
	var repair []Compared
	t := Tally{Compared: len(in.Orders)}
	for _, id := range in.Orders {
		c, err := a.comparer().Order(ctx, id)
		switch {
		case err != nil:
			return Tally{}, retrySlowly(err)
		case c.Problem != "":
			t.unrepaired(c, c.Problem)
		case c.Unrepairable != "":
			t.unrepaired(c, c.Unrepairable)
		case c.Differs():
			repair = append(repair, c)
		}
	}
	tally, err := a.repair(ctx, repair)
	t.Add(tally)
	return t, err
}

// StoppedErrorType is the type of the application error of a listing that cannot go on, and that no retry cures.
const StoppedErrorType = "ListingStopped"

// ListClosed answers the orders that are open here and not on the platform. It changes nothing. An error of StoppedErrorType
// says why nobody can know them; its result was a plain list before there was one.
func (a *Activities) ListClosed(ctx context.Context, since time.Time) ([]string, error) {
	defer heartbeat(ctx, nil)()
	ids, stopped, err := a.comparer().Closed(ctx, since)
	switch {
	case err != nil:
		return nil, retrySlowly(err)
	case stopped != "":
		return nil, temporal.NewNonRetryableApplicationError(stopped, StoppedErrorType, nil)
	}
	return ids, nil
}

// FinishReconcileInput is what a reconciliation came to.
type FinishReconcileInput struct {
	Tally
	Stopped string `json:"stopped,omitempty"` // why it did not see all orders; then it is no success
}

// FinishReconcile notes the end of a reconciliation of all orders, in the metrics and the log. It may run twice.
func (a *Activities) FinishReconcile(_ context.Context, in FinishReconcileInput) error {
	counts := []any{"compared", in.Compared, "missing", in.Missing, "different", in.Different, "silent", in.Silent, "unrepaired", in.Unrepaired}
	if in.Stopped != "" {
		a.Log.Error("orders reconciled in part", append(counts, "stopped", in.Stopped)...)
		return nil
	}
	lastSweep.WithLabelValues().SetToCurrentTime()
	a.Log.Info("orders reconciled", counts...)
	return nil
}

const (
	endsEvery = 100 * time.Millisecond
	// patience is how long none of the events may come to its end before the rest is left to itself.
	patience = 30 * time.Second
)

// repair starts the events of what differs, and waits for their ends.
func (a *Activities) repair(ctx context.Context, differ []Compared) (t Tally, err error) {
	open := map[string]Compared{}
	for _, c := range differ {
		switch problem, err := a.begin(ctx, c.Event); {
		case err != nil:
			return Tally{}, err
		case problem != "":
			t.unrepaired(c, problem)
		default:
			open[c.Event.ID] = c
		}
	}
	for progress := time.Now(); len(open) > 0 && time.Since(progress) < patience; {
		ends, err := a.Store.Ends(ctx, slices.Collect(maps.Keys(open)))
		if err != nil {
			return Tally{}, err
		}
		for _, e := range ends {
			switch c := open[e.EventID]; e.Outcome {
			case inorder.Applied:
				t.repaired(c.Found)
			case inorder.Stale: // something newer came meanwhile, and told it all
			default:
				t.unrepaired(c, fmt.Sprintf("its event %s is %s: %s", e.EventID, e.Outcome, e.Detail))
			}
			delete(open, e.EventID)
			progress = time.Now()
		}
		select {
		case <-ctx.Done():
			return Tally{}, ctx.Err()
		case <-time.After(endsEvery):
		}
	}
	for id, c := range open {
		t.unrepaired(c, "its event "+id+" has not come to its end: its workflow of the same ID says why")
	}
	return t, nil
}

package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"

	"inorder"
	"inorder/internal/await"
	"inorder/internal/reconcile"
)

const platformNotSet = "HEADLESS_COMMERCE_API_KEY is not set where the worker runs, so the platform cannot be asked"

func (a *Activities) comparer() reconcile.Comparer {
	return reconcile.Comparer{Store: a.Store, Platform: a.Platform, Metrics: a.Reconcile}
}

const (
	pollEvery = 100 * time.Millisecond
	// repairTimeout is how long repair goes on polling without seeing an event end.
	repairTimeout = 30 * time.Second
)

// repair starts the events that repair the orders, and polls until they have ended. If none has ended for 30 seconds, the
// orders of the remaining events count as not repaired; their workflows go on.
func (a *Activities) repair(ctx context.Context, drifted []reconcile.Compared) (t reconcile.Totals, err error) {
	open := map[string]reconcile.Compared{}
	for _, c := range drifted {
		switch refused, err := a.startRepair(ctx, c.Repair); {
		case err != nil:
			return reconcile.Totals{}, err
		case refused != "":
			t.AddUnrepaired(c, refused)
		default:
			open[c.Repair.ID] = c
		}
	}
	for progress := time.Now(); len(open) > 0 && time.Since(progress) < repairTimeout; {
		ends, err := a.Store.Ends(ctx, slices.Collect(maps.Keys(open)))
		if err != nil {
			return reconcile.Totals{}, err
		}
		for _, e := range ends {
			switch c := open[e.EventID]; e.Outcome {
			case inorder.Applied:
				t.AddRepaired(c.Drift)
			case inorder.Stale: // meanwhile, newer events have set everything that it says
			default:
				t.AddUnrepaired(c, fmt.Sprintf("its repair %s ended as %s: %s", e.EventID, e.Outcome, e.Detail))
			}
			delete(open, e.EventID)
			progress = time.Now()
		}
		if err := await.Sleep(ctx, pollEvery); err != nil {
			return reconcile.Totals{}, err
		}
	}
	for id, c := range open {
		t.AddUnrepaired(c, "its repair "+id+" has not ended: the workflow with that ID shows why")
	}
	return t, nil
}

// startRepair starts the workflow of a repair. If Temporal refuses the event as invalid, for instance because it is larger
// than the namespace allows, no retry would help; then it returns the reason as refused.
func (a *Activities) startRepair(ctx context.Context, e inorder.Event) (refused string, err error) {
	e.ReceivedAt = time.Now().UTC()
	err = a.Events.Start(ctx, e)
	if invalid := (*serviceerror.InvalidArgument)(nil); errors.As(err, &invalid) {
		return reconcile.Shortened("Temporal refuses its repair " + e.ID + ": " + invalid.Error()), nil
	}
	if err != nil {
		return "", fmt.Errorf("start the repair %s of order %s: %w", e.ID, e.OrderID(), err)
	}
	return "", nil
}

package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/reconcile"
)

func (r *reconciliation) comparePage(ctx workflow.Context) error {
	in := activities.ReconcilePageInput{Since: r.Since, At: *r.Cursor, Repair: r.in.Grace == 0}
	var page activities.ReconcilePageResult
	if err := r.execute(ctx, "compare a page of orders", a.ReconcilePage, in, &page); err != nil {
		return err
	}
	r.Totals.Add(page.Totals)
	r.gather(page.Suspects)
	r.Cursor = page.Next
	r.stop(page.Stopped)
	return nil
}

func (r *reconciliation) findOpenHereAlone(ctx workflow.Context) error {
	var orders []string
	err := r.execute(ctx, "find orders that are open only here", a.ListClosed, r.Since, &orders)
	if stopped := (*temporal.ApplicationError)(nil); errors.As(err, &stopped) && stopped.Type() == activities.StoppedErrorType {
		r.stop(stopped.Message())
		err = nil
	}
	r.gather(orders)
	r.OpenFound = err == nil
	return err
}

// recheck waits until RecheckAt, compares some of the gathered orders, and repairs those that drifted.
func (r *reconciliation) recheck(ctx workflow.Context) error {
	if wait := r.RecheckAt.Sub(workflow.Now(ctx)); wait > 0 {
		if err := workflow.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	in := activities.RepairOrdersInput{Orders: r.Recheck[:min(recheckBy, len(r.Recheck))]}
	var totals reconcile.Totals
	if err := r.execute(ctx, "repair orders that drifted", a.RepairOrders, in, &totals); err != nil {
		return err
	}
	r.Totals.Add(totals)
	if r.Recheck = r.Recheck[min(len(in.Orders), len(r.Recheck)):]; len(r.Recheck) == 0 { // empty if execute gave up
		r.RecheckAt = time.Time{}
	}
	return nil
}

// gather keeps orders for recheck, each once. An order may be in several pages, because orders change while they are listed.
func (r *reconciliation) gather(orders []string) {
	for _, id := range orders {
		if !slices.Contains(r.Recheck, id) {
			r.Recheck = append(r.Recheck, id)
		}
	}
}

// execute runs an activity on a worker that has an API key. If no worker takes it in time, execute gives up the remaining
// steps and returns no error; result stays as it is.
func (r *reconciliation) execute(ctx workflow.Context, summary string, activity, in, result any) error {
	err := workflow.ExecuteActivity(atPlatform(ctx, summary), activity, in).Get(ctx, result)
	var late *temporal.TimeoutError
	if errors.As(err, &late) && late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
		r.giveUp()
		return nil
	}
	return err
}

// giveUp ends the reconciliation: no step is left to do.
func (r *reconciliation) giveUp() {
	r.stop("no worker with HEADLESS_COMMERCE_API_KEY started the next step within an hour")
	r.Totals.Add(reconcile.Totals{Unrepaired: len(r.Recheck)})
	r.Cursor, r.OpenFound, r.Recheck, r.RecheckAt = nil, true, nil, time.Time{}
}

// stop keeps the first reason why not all orders are compared.
func (r *reconciliation) stop(why string) {
	if r.Stopped == "" {
		r.Stopped = why
	}
}

// details returns what the Temporal UI shows.
func (r *reconciliation) details() string {
	what := "the orders that were named"
	if !r.Since.IsZero() {
		what = "orders created since " + r.Since.UTC().Format(time.RFC3339) + ", and those that are open,"
	}
	text := fmt.Sprintf("**Reconciling** %s with the platform's. %d compared; repaired: %s; %d not repaired.", what, r.Compared, r.ByDrift(), r.Unrepaired)
	if n := len(r.Recheck); n > 0 && !r.RecheckAt.IsZero() {
		text += fmt.Sprintf(" %d that drifted are compared again from %s on.", n, r.RecheckAt.UTC().Format(time.RFC3339))
	} else if n > 0 {
		text += fmt.Sprintf(" %d that drifted will be compared again.", n)
	}
	text += " If the platform does not answer, the pending activity says why.\n"
	if r.Stopped != "" {
		text += "\n**Not all orders were compared**: " + r.Stopped + ". The next reconciliation starts over.\n"
	}
	for _, note := range r.Notes {
		text += "\n- " + note
	}
	return text
}

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
)

// ReconcileInput says what to reconcile. Its zero value is everything, at once.
type ReconcileInput struct {
	Orders []string      `json:"orders,omitempty"` // these alone
	Since  time.Time     `json:"since,omitzero"`   // orders created since, beside those that are open; default: the worker's RECONCILE_WINDOW
	Grace  time.Duration `json:"grace,omitempty"`  // how long an order must differ, in nanoseconds: its webhook may be on its way

	Progress *ReconcileProgress `json:"progress,omitempty"` // of the runs before this one
}

// ReconcileProgress answers the query "progress".
type ReconcileProgress struct {
	activities.Tally
	Since    time.Time         `json:"since,omitzero"`
	At       *activities.Place `json:"at,omitempty"`       // the page that is next; nil when all were compared
	Closed   bool              `json:"closed,omitempty"`   // those that are open here alone were looked for
	Stopped  string            `json:"stopped,omitempty"`  // why some orders were not seen, the first reason
	Suspects []string          `json:"suspects,omitempty"` // orders that are to be looked at one by one
	LookAt   time.Time         `json:"look_at,omitzero"`   // when; zero while they are being gathered
}

// ReconcileResult is what ReconcileOrders ends with.
type ReconcileResult struct {
	activities.Tally
	NotSet     string    `json:"not_set,omitempty"` // why nothing was done
	Stopped    string    `json:"stopped,omitempty"` // why some orders were not seen; the next reconciliation begins anew
	Since      time.Time `json:"since,omitzero"`
	FinishedAt time.Time `json:"finished_at"`
}

const (
	// maxSuspects is how many orders are gathered before they are looked at.
	maxSuspects = 500
	suspectsAt  = 50 // once
	// leastPause is how long what could not be repaired is left alone: the platform's times have seconds.
	leastPause = 2 * time.Second
)

// ReconcileOrders compares orders with the platform's, page by page, and repairs those that differ: those created since a
// time, those that are open there whatever their age, and those that are open here alone. With a grace nothing is repaired
// on the first sight: an order that differs is looked at once more after it. It answers the query "progress", goes on in a
// new run when its history has grown, and where it was when a worker comes back. It ends with a ReconcileResult, also where
// a part of it cannot be done and no retry cures that: then it does the rest, and says so.
func ReconcileOrders(ctx workflow.Context, in ReconcileInput) (ReconcileResult, error) {
	r := &reconciliation{in: in}
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (ReconcileProgress, error) { return r.ReconcileProgress, nil }); err != nil {
		return ReconcileResult{}, err
	}
	if notSet, err := r.begin(ctx); err != nil || notSet != "" {
		workflow.SetCurrentDetails(ctx, notSet)
		return ReconcileResult{NotSet: notSet, FinishedAt: workflow.Now(ctx)}, err
	}
	for !r.done() {
		workflow.SetCurrentDetails(ctx, reconcileDetails(r.ReconcileProgress))
		if err := r.step(ctx); err != nil {
			return ReconcileResult{}, err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && !r.done() {
			r.in.Progress, r.in.Orders = &r.ReconcileProgress, nil // those that are left are the suspects
			return ReconcileResult{}, workflow.NewContinueAsNewError(ctx, ReconcileOrders, r.in)
		}
	}
	workflow.SetCurrentDetails(ctx, reconcileDetails(r.ReconcileProgress))
	if !r.Since.IsZero() { // not of named orders
		end := activities.FinishReconcileInput{Tally: r.Tally, Stopped: r.Stopped}
		if err := workflow.ExecuteActivity(slowPath(ctx, "note the end"), a.FinishReconcile, end).Get(ctx, nil); err != nil {
			return ReconcileResult{}, err
		}
	}
	return ReconcileResult{Tally: r.Tally, Stopped: r.Stopped, Since: r.Since, FinishedAt: workflow.Now(ctx)}, nil
}

// reconciliation is one run of ReconcileOrders.
type reconciliation struct {
	in ReconcileInput
	ReconcileProgress
}

// begin takes up where the run before this one was, or else plans. It answers why there is nothing to do.
func (r *reconciliation) begin(ctx workflow.Context) (notSet string, err error) {
	if r.in.Progress != nil {
		r.ReconcileProgress = *r.in.Progress
		return "", nil
	}
	var plan activities.ReconcilePlan
	err = workflow.ExecuteActivity(slowPath(ctx, "plan"), a.PlanReconcile, workflow.Now(ctx)).Get(ctx, &plan)
	if err != nil || plan.NotSet != "" {
		return plan.NotSet, err
	}
	if len(r.in.Orders) > 0 {
		r.Closed, r.Suspects, r.LookAt = true, slices.Clone(r.in.Orders), workflow.Now(ctx)
		return "", nil
	}
	r.Since, r.At = plan.Since, &activities.Place{}
	if !r.in.Since.IsZero() {
		r.Since = r.in.Since
	}
	return "", nil
}

func (r *reconciliation) done() bool { return r.At == nil && r.Closed && len(r.Suspects) == 0 }

// step does what is next, by one activity at most.
func (r *reconciliation) step(ctx workflow.Context) error {
	switch {
	case !r.LookAt.IsZero():
		return r.look(ctx)
	case len(r.Suspects) >= maxSuspects, r.At == nil && r.Closed:
		r.LookAt = workflow.Now(ctx).Add(max(r.in.Grace, leastPause))
		return nil
	case r.At != nil:
		return r.page(ctx)
	}
	return r.closed(ctx)
}

// ask does a step. When no worker takes it in time the reconciliation gives up, and result stays as it is.
func (r *reconciliation) ask(ctx workflow.Context, summary string, activity, in, result any) error {
	err := workflow.ExecuteActivity(atPlatform(ctx, summary), activity, in).Get(ctx, result)
	var late *temporal.TimeoutError
	if errors.As(err, &late) && late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
		r.giveUp()
		return nil
	}
	return err
}

func (r *reconciliation) giveUp() {
	r.stop("no worker that has HEADLESS_COMMERCE_API_KEY took up the next step within an hour")
	r.Tally.Add(activities.Tally{Unrepaired: len(r.Suspects)})
	r.At, r.Closed, r.Suspects, r.LookAt = nil, true, nil, time.Time{}
}

func (r *reconciliation) stop(why string) {
	if r.Stopped == "" {
		r.Stopped = why
	}
}

func (r *reconciliation) page(ctx workflow.Context) error {
	in := activities.ReconcilePageInput{Since: r.Since, At: *r.At, Repair: r.in.Grace == 0}
	var page activities.ReconcilePageResult
	if err := r.ask(ctx, "compare a page of orders", a.ReconcilePage, in, &page); err != nil {
		return err
	}
	r.Tally.Add(page.Tally)
	r.suspect(page.Suspects)
	r.At = page.Next
	if page.Stopped != "" {
		r.stop(page.Stopped)
	}
	return nil
}

func (r *reconciliation) closed(ctx workflow.Context) error {
	var orders []string
	err := r.ask(ctx, "find orders that are open here alone", a.ListClosed, r.Since, &orders)
	if stopped := (*temporal.ApplicationError)(nil); errors.As(err, &stopped) && stopped.Type() == activities.StoppedErrorType {
		r.stop(stopped.Message())
		err = nil
	}
	r.suspect(orders)
	r.Closed = err == nil
	return err
}

// suspect keeps orders to look at. One may be in several pages, because orders change while they are listed.
func (r *reconciliation) suspect(orders []string) {
	for _, id := range orders {
		if !slices.Contains(r.Suspects, id) {
			r.Suspects = append(r.Suspects, id)
		}
	}
}

// look repairs some of the suspects, when it is time.
func (r *reconciliation) look(ctx workflow.Context) error {
	if wait := r.LookAt.Sub(workflow.Now(ctx)); wait > 0 {
		if err := workflow.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	in := activities.RepairOrdersInput{Orders: r.Suspects[:min(suspectsAt, len(r.Suspects))]}
	var tally activities.Tally
	if err := r.ask(ctx, "look at orders that differ", a.RepairOrders, in, &tally); err != nil {
		return err
	}
	r.Tally.Add(tally)
	if r.Suspects = r.Suspects[min(len(in.Orders), len(r.Suspects)):]; len(r.Suspects) == 0 {
		r.LookAt = time.Time{}
	}
	return nil
}

// reconcileDetails is what the Temporal UI shows.
func reconcileDetails(p ReconcileProgress) string {
	what := "the orders that were named"
	if !p.Since.IsZero() {
		what = "orders created since " + p.Since.UTC().Format(time.RFC3339) + ", and those that are open,"
	}
	text := fmt.Sprintf("**Reconciling** %s with the platform's. %d compared; repaired: %d missing, %d different, %d that changed silently; %d not repaired.",
		what, p.Compared, p.Missing, p.Different, p.Silent, p.Unrepaired)
	if len(p.Suspects) > 0 && !p.LookAt.IsZero() {
		text += fmt.Sprintf(" %d that differed are looked at once more, from %s on.", len(p.Suspects), p.LookAt.UTC().Format(time.RFC3339))
	} else if len(p.Suspects) > 0 {
		text += fmt.Sprintf(" %d that differ will be looked at once more.", len(p.Suspects))
	}
	text += " While the platform does not answer, the pending activity says why.\n"
	if p.Stopped != "" {
		text += "\n**Not all orders were seen**: " + p.Stopped + ". The next reconciliation begins anew.\n"
	}
	for _, note := range p.Notes {
		text += "\n- " + note
	}
	return text
}

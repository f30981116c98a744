package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/reconcile"
)

// ReconcileInput says what to reconcile. The zero value means everything, repaired at once.
type ReconcileInput struct {
	Orders []string      `json:"orders,omitempty"` // if set, only these
	Since  time.Time     `json:"since,omitzero"`   // orders created since then, besides the open ones; default: the worker's RECONCILE_WINDOW
	Grace  time.Duration `json:"grace,omitempty"`  // how long an order must have drifted, in nanoseconds: its webhook may be on its way

	Progress *ReconcileProgress `json:"progress,omitempty"` // of the previous runs
}

// ReconcileProgress is the answer to the query "progress".
type ReconcileProgress struct {
	reconcile.Totals
	Since     time.Time         `json:"since,omitzero"`     // zero if orders were named
	Cursor    *reconcile.Cursor `json:"at,omitempty"`       // of the next page; nil when no page is left
	OpenFound bool              `json:"closed,omitempty"`   // whether step 2 is done
	Stopped   string            `json:"stopped,omitempty"`  // the first reason why some orders were not compared
	Recheck   []string          `json:"suspects,omitempty"` // orders to compare one by one
	RecheckAt time.Time         `json:"look_at,omitzero"`   // when to compare them; zero while they are being gathered
}

// ReconcileResult is what ReconcileOrders ends with.
type ReconcileResult struct {
	reconcile.Totals
	NotSet     string    `json:"not_set,omitempty"` // if set, why nothing was done
	Stopped    string    `json:"stopped,omitempty"` // why some orders were not compared; the next reconciliation starts from the beginning
	Since      time.Time `json:"since,omitzero"`
	FinishedAt time.Time `json:"finished_at"`
}

const (
	// maxRecheck is how many orders are gathered before they are compared once more.
	maxRecheck = 500
	recheckBy  = 50 // how many of them one activity compares
	// leastGrace is the shortest wait before orders are compared once more, because the platform's times have whole seconds.
	leastGrace = 2 * time.Second
)

// ReconcileOrders compares our orders with the platform's, and repairs those that drifted, in these steps:
//
//  1. Page by page, it compares the orders that were created since a given time, and those that are open on the platform.
//     Without a grace, it repairs those that drifted at once.
//  2. It finds the orders that are open here but not on the platform.
//  3. After the grace, it compares the orders of steps 1 and 2 that are not known to be right once more, one by one, and
//     repairs those that drifted. If there are many, it does so in between.
//
// Orders that are named go through step 3 only, and at once. It takes no signals and answers the query "progress". While
// the platform is away, it waits, and its activities are retried. It ends
//
//   - with its totals, when the last step is done;
//   - with NotSet, if the worker has no API key;
//   - with Stopped beside the totals of the rest, if the platform refuses to go on with a listing, or if no worker with an
//     API key takes a step within an hour;
//   - with a new run, which continues from here, when its history has grown long;
//   - with an error only if somebody cancels it.
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
		workflow.SetCurrentDetails(ctx, r.details())
		if err := r.step(ctx); err != nil {
			return ReconcileResult{}, err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && !r.done() {
			r.in.Progress, r.in.Orders = &r.ReconcileProgress, nil // the named orders that are left are in Recheck
			return ReconcileResult{}, workflow.NewContinueAsNewError(ctx, ReconcileOrders, r.in)
		}
	}
	workflow.SetCurrentDetails(ctx, r.details())
	return r.finish(ctx)
}

// reconciliation is one run of ReconcileOrders.
type reconciliation struct {
	in ReconcileInput
	ReconcileProgress
}

// begin continues from the previous run, or else plans. notSet is why there is nothing to do, or "".
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
		r.OpenFound, r.Recheck, r.RecheckAt = true, slices.Clone(r.in.Orders), workflow.Now(ctx)
		return "", nil
	}
	r.Since, r.Cursor = plan.Since, &reconcile.Cursor{}
	if !r.in.Since.IsZero() {
		r.Since = r.in.Since
	}
	return "", nil
}

func (r *reconciliation) done() bool { return r.listed() && len(r.Recheck) == 0 }

// listed reports whether steps 1 and 2 are done.
func (r *reconciliation) listed() bool { return r.Cursor == nil && r.OpenFound }

// step does what comes next, with one activity at most.
func (r *reconciliation) step(ctx workflow.Context) error {
	switch {
	case !r.RecheckAt.IsZero():
		return r.recheck(ctx)
	case len(r.Recheck) >= maxRecheck, r.listed():
		r.RecheckAt = workflow.Now(ctx).Add(max(r.in.Grace, leastGrace))
		return nil
	case r.Cursor != nil:
		return r.comparePage(ctx)
	}
	return r.findOpenHereAlone(ctx)
}

// finish returns the result, and records the end if all orders were reconciled.
func (r *reconciliation) finish(ctx workflow.Context) (ReconcileResult, error) {
	if all := !r.Since.IsZero(); all {
		end := activities.FinishReconcileInput{Totals: r.Totals, Stopped: r.Stopped}
		if err := workflow.ExecuteActivity(slowPath(ctx, "record the end"), a.FinishReconcile, end).Get(ctx, nil); err != nil {
			return ReconcileResult{}, err
		}
	}
	return ReconcileResult{Totals: r.Totals, Stopped: r.Stopped, Since: r.Since, FinishedAt: workflow.Now(ctx)}, nil
}

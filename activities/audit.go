package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/telemetry"
)

// The activity that carries out what a person asked for in Temporal also records it in the audit. It may run twice: the act's ID is derived
// from the run's, so the audit records the act once.

const somebody = "somebody in Temporal"

// run returns the workflow run that this activity belongs to; zero outside an activity.
func run(ctx context.Context) sweep.Run {
	if !activity.IsActivity(ctx) {
		return sweep.Run{}
	}
	w := activity.GetInfo(ctx).WorkflowExecution
	return sweep.Run{WorkflowID: w.ID, RunID: w.RunID}
}

func actID(ctx context.Context, eventID, what string) string {
	return run(ctx).RunID + "/" + eventID + "/" + what
}

// canceledBy asks Temporal who canceled this activity's workflow, and why. If Temporal doesn't answer, it returns texts that name
// nobody, and the caller goes on. what are log attributes of the event, or of the bulk action.
func (a *Activities) canceledBy(ctx context.Context, what []any) (actor, reason string) {
	r := run(ctx)
	actor, reason, err := a.Events.CanceledBy(ctx, r)
	if err != nil {
		a.Log.WarnContext(ctx, "Temporal does not say who canceled a workflow", append(what, "cause", err)...)
	}
	return cmp.Or(actor, somebody), cmp.Or(reason, "canceled in Temporal")
}

// signaledBy returns who last sent the workflow the signal. It returns the actor that Temporal knows, or else says, the actor that
// the signal itself names. what is as for canceledBy.
func (a *Activities) signaledBy(ctx context.Context, what []any, signal, says string) string {
	r := run(ctx)
	actor, err := a.Events.SignaledBy(ctx, r, signal)
	if err != nil {
		a.Log.WarnContext(ctx, "Temporal does not say who sent a workflow a signal", append(what, "signal", signal, "cause", err)...)
	}
	return cmp.Or(actor, says, somebody)
}

// auditRetry records that a person sent the signal "retry" in Temporal; by is nil if nobody did.
func (a *Activities) auditRetry(ctx context.Context, e store.Event, by *Act) error {
	if by == nil {
		return nil
	}
	err := a.Store.Audit(ctx, store.Act{
		ID:    actID(ctx, e.ID, "retry/"+e.RetriedAt.Format(time.RFC3339Nano)),
		Actor: a.signaledBy(ctx, telemetry.Attrs(e.Event), "retry", by.Actor), Action: store.ActRetry, Reason: by.Reason, Via: store.ViaTemporal,
		EventID: e.ID, OrderID: e.Change.OrderID, Result: "signaled",
	})
	if err != nil {
		return fmt.Errorf("record a retry of event %s: %w", e.ID, err)
	}
	return nil
}

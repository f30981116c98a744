package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
	"inorder/internal/bulk"
	"inorder/internal/words"
)

// BulkInput names the bulk action. Its events are rows of bulk_events.
type BulkInput struct {
	ID string `json:"id"`

	Progress *bulk.Progress `json:"progress,omitempty"` // of the previous runs
}

// The first steps are short, so that the details soon show progress; later ones are longer, so that the history stays short.
const (
	firstBulkStep = 5 * time.Second
	lastBulkStep  = time.Minute
)

// BulkAction runs a bulk action on its events, at its rate, step by step. Its progress is in PostgreSQL, so it continues after a crash.
// While a server is away, the step is retried, and its pending activity says why. The signal "stop" and a cancellation of the workflow
// stop it: what is done stays done. The query "progress" returns the progress after the last step. It ends
//
//   - when all events are done, including those that failed;
//   - when it is stopped, here or through the API;
//   - with a new run, which continues from here, when its history has grown long.
func BulkAction(ctx workflow.Context, in BulkInput) (bulk.Progress, error) {
	var p bulk.Progress
	if in.Progress != nil {
		p = *in.Progress
	}
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (bulk.Progress, error) { return p, nil }); err != nil {
		return p, err
	}
	for step := firstBulkStep; p.Ending == ""; step = min(2*step, lastBulkStep) {
		workflow.SetCurrentDetails(ctx, bulkDetails(in.ID, p))
		after, err := bulkStep(ctx, activities.RunBulkInput{ID: in.ID, For: step})
		if err != nil {
			return p, err
		}
		p = after
		if p.Ending == "" && workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.GetSignalChannel(ctx, SignalStop).Len() == 0 {
			return p, workflow.NewContinueAsNewError(ctx, BulkAction, BulkInput{ID: in.ID, Progress: &p})
		}
	}
	workflow.SetCurrentDetails(ctx, bulkDetails(in.ID, p))
	return p, nil
}

// bulkStep acts on events for a while. If the bulk action is stopped meanwhile, it records that.
func bulkStep(ctx workflow.Context, in activities.RunBulkInput) (p bulk.Progress, err error) {
	running, stop := workflow.WithCancel(ctx)
	defer stop()
	step := workflow.ExecuteActivity(bulkRun(running, in.For), a.RunBulk, in)
	came := first(ctx, source{future: step}, signaled(ctx, SignalStop), source{name: canceled, channel: ctx.Done()})
	if came == "" && ctx.Err() == nil {
		return p, step.Get(ctx, &p)
	}
	stop()
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := step.Get(ctx, &p); err != nil && !temporal.IsCanceledError(err) && !isApplicationError(err) {
		return p, err
	}
	by := activities.StopBulkInput{ID: in.ID, Canceled: true}
	if up := takeStop(ctx); up != nil {
		by = activities.StopBulkInput{ID: in.ID, Actor: up.Actor, Reason: up.Reason}
	}
	err = workflow.ExecuteActivity(slowPath(ctx, "record the stop"), a.StopBulk, by).Get(ctx, &p)
	return p, err
}

// takeStop reads the signal "stop", or returns nil if it was not sent. Its argument may be anything.
func takeStop(ctx workflow.Context) *Discard {
	var raw converter.RawValue
	if !workflow.GetSignalChannel(ctx, SignalStop).ReceiveAsync(&raw) {
		return nil
	}
	by := Discard{}
	//workflowcheck:ignore decoding two strings is deterministic; the checker can't see that of reflection
	if json.Unmarshal(raw.Payload().GetData(), &by) != nil {
		return &Discard{}
	}
	return &Discard{Actor: inorder.Bounded(by.Actor), Reason: inorder.Bounded(by.Reason)}
}

func isApplicationError(err error) bool {
	var failed *temporal.ApplicationError
	return errors.As(err, &failed)
}

// bulkDetails returns what the Temporal UI shows: what a person can do, then the progress.
func bulkDetails(id string, p bulk.Progress) string {
	what := fmt.Sprintf("**%s**: %d of %s done, %d of them failed.", inorder.Cut(p.Name, 60), p.Done, words.Count(p.Total, "event"), p.Failed)
	list := fmt.Sprintf("\n\n`inorder bulk show %s` lists what failed, and why.", id)
	switch {
	case p.Ending != "":
		return fmt.Sprintf("**%s**. ", p.Ending) + what + list
	case p.Total == 0:
		what = "It is starting."
	default:
		what += fmt.Sprintf(" It runs `%s` at a rate of %d a second.", p.Action, p.Rate)
	}
	return "Signal `stop`: end it; what is done stays done.\n\n" + what + " If it makes no progress, the pending activity says why." + list
}

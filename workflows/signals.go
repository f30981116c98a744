package workflows

import (
	"cmp"
	"encoding/json"
	"errors"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// What a person does to an event that is being processed.

// Changes of behaviour. Each is asked for at the moment when it makes a difference, so that an event which began under older
// code goes on as it began up to there, and gains the change from there on. A run in which older code has seen such a moment
// keeps to the older behaviour: a "discard" that it left for later stays left for later.
const (
	// recordsCancellation: a cancellation gives the event up, where it used to end the workflow without a trace.
	recordsCancellation = "record-cancellation"
	// heedsSignals: "retry" and "discard" reach a running activity, where they used to wait for its end.
	heedsSignals = "heed-signals-while-running"
	// takesAnyDiscard: "discard" gives the event up also when its argument can't be read, where it used to be dropped.
	takesAnyDiscard = "take-any-discard"
)

func since(ctx workflow.Context, change string) bool {
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) >= 1
}

// giveUp is a person's decision that the event is not to be applied.
type giveUp struct {
	Discard
	canceled bool // by a cancellation of the workflow
}

// takeDiscard reads the signal "discard"; nil if it was dropped, as older code did with one that it couldn't read.
func takeDiscard(ctx workflow.Context) *giveUp {
	var raw converter.RawValue
	if !workflow.GetSignalChannel(ctx, SignalDiscard).ReceiveAsync(&raw) {
		return nil
	}
	up := &giveUp{}
	data := raw.Payload().GetData()
	//workflowcheck:ignore decoding two strings is deterministic; the checker can't see that of reflection
	if len(data) > 0 && json.Unmarshal(data, &up.Discard) != nil {
		if !since(ctx, takesAnyDiscard) {
			return nil
		}
		up.Discard = Discard{}
	}
	up.Reason, up.Actor = inorder.Bounded(up.Reason), inorder.Bounded(up.Actor)
	return up
}

// cancellation is what a cancellation of the workflow asks for. A "discard" that came with it says why.
func cancellation(ctx workflow.Context) *giveUp {
	return cmp.Or(takeDiscard(ctx), &giveUp{canceled: true})
}

// takeRetry reads one signal "retry", and reports whether there was one. The event's date is judged by the time of the last.
func (p *process) takeRetry(ctx workflow.Context) bool {
	if !workflow.GetSignalChannel(ctx, SignalRetry).ReceiveAsync(nil) {
		return false
	}
	p.receipt.RetriedAt = workflow.Now(ctx).UTC()
	return true
}

// takeRetries reads all that have come: one attempt answers them all.
func (p *process) takeRetries(ctx workflow.Context) {
	for p.takeRetry(ctx) {
	}
}

// insist runs an activity to its end: "retry" runs it now, and a cancellation doesn't stop it.
func (p *process) insist(ctx workflow.Context, start func(workflow.Context) workflow.Future, result any) error {
	for {
		signal, err := untilSignal(ctx, start, result, SignalRetry)
		switch {
		case signal == SignalRetry:
			p.takeRetries(ctx)
		case temporal.IsCanceledError(err) && since(ctx, recordsCancellation):
			ctx, _ = workflow.NewDisconnectedContext(ctx)
		default:
			return err
		}
	}
}

// untilSignal runs an activity until it ends, or until one of the signals comes, which is returned unread; the activity is
// canceled then. It may have had its effect all the same: whatever comes next finds that out.
func untilSignal(ctx workflow.Context, start func(workflow.Context) workflow.Future, result any, signals ...string) (signal string, err error) {
	running, stop := workflow.WithCancel(ctx)
	defer stop()
	future := start(running)
	s := workflow.NewSelector(ctx)
	s.AddFuture(future, func(workflow.Future) {})
	for _, name := range signals {
		s.AddReceive(workflow.GetSignalChannel(ctx, name), func(workflow.ReceiveChannel, bool) { signal = name })
	}
	s.Select(ctx)
	if signal != "" && since(ctx, heedsSignals) {
		return signal, nil
	}
	return "", future.Get(ctx, result)
}

// attentionIfLasting makes an outcome of an activity's failure. It is retried without an end, so what does fail is what no
// retry can cure.
func (p *process) attentionIfLasting(r activities.ApplyEventResult, err error) (activities.ApplyEventResult, error) {
	if err == nil || temporal.IsCanceledError(err) {
		return r, err
	}
	reason := err.Error()
	if failed := (*temporal.ApplicationError)(nil); errors.As(err, &failed) {
		reason = failed.Message()
	}
	return activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: p.state.OrderID, Detail: inorder.Bounded(reason)}, nil
}

package workflows

import (
	"cmp"
	"errors"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// ProcessEvent takes one event to its end. body is the envelope as received, byte for byte.
//
//	phase            what happens                                            what follows
//	applying         ApplyEvent within the workflow task; if that fails,     what the outcome says
//	                 as an activity that is retried without an end
//	waiting, stuck   the event waits for its missing order. From a certain   applying, on the signal "order.created" and at
//	                 age on it asks the platform for the order               growing intervals, until the event expires
//	attention        the event can't be applied as it is: it needs a person  applying, on "retry"
//	discarding       DiscardEvent records that the event was given up        the end, or releasing if it had been applied
//	releasing        ReleaseWaiting wakes the events that wait for the       the end
//	                 order that this event created
//
// In every phase, the signal "retry" makes the next attempt at once. The signal "discard" and a cancellation of the workflow
// lead to discarding in every phase except releasing, which goes on. The query "state" returns where the event stands.
// If the event waits, or needs a person, in another workflow, which came first, this one ends, and its Result says so.
// ProcessEvent ends with a Result and never just fails. When its history has grown long, it continues in a new run.
func ProcessEvent(ctx workflow.Context, body converter.RawValue, receipt activities.Receipt) (Result, error) {
	p := newProcess(ctx, body, receipt)
	err := workflow.SetQueryHandler(ctx, QueryState, func() (State, error) { return p.state, nil })
	cancelable := ctx // disconnected once a cancellation has given the event up, so that discarding itself isn't canceled
	for phase := PhaseApplying; phase != ended && err == nil; {
		switch phase {
		case PhaseApplying:
			phase, err = p.apply(cancelable)
		case PhaseWaiting, PhaseStuck:
			phase, err = p.waitForOrder(cancelable)
		case PhaseAttention:
			phase, err = p.waitForPerson(cancelable)
		case discarding:
			cancelable = disconnected(cancelable)
			phase, err = p.discard(cancelable)
		case releasing:
			phase, err = p.release(ctx)
		}
	}
	return p.end(ctx, err)
}

// Phases that EventPhase doesn't show: operators see the previous phase.
const (
	discarding Phase = "discarding"
	releasing  Phase = "releasing"
	ended      Phase = "ended"
)

// process is one run of ProcessEvent.
type process struct {
	body    converter.RawValue
	receipt activities.Receipt
	asked   bool                        // a person asked for the next attempt
	result  activities.ApplyEventResult // of the last activity
	givenUp giveUp                      // why the event is discarded
	state   State
	shown   Phase // the value of EventPhase; "" if it isn't set
}

var a *activities.Activities // always nil: it only names the activities

func newProcess(ctx workflow.Context, body converter.RawValue, receipt activities.Receipt) *process {
	receipt.EventID = cmp.Or(receipt.EventID, workflow.GetInfo(ctx).WorkflowExecution.ID)          // without a receipt, somebody started it by hand
	asked := !receipt.RetriedAt.IsZero() && workflow.Now(ctx).Sub(receipt.RetriedAt) < time.Minute // a person's retry started this run
	return &process{body: body, receipt: receipt, asked: asked, state: State{EventID: receipt.EventID, Phase: PhaseApplying, Since: workflow.Now(ctx)}}
}

// apply tries the fast path first. If that fails, it runs the activity where a person can see it, until it succeeds or the event
// is given up.
func (p *process) apply(ctx workflow.Context) (Phase, error) {
	var r activities.ApplyEventResult
	if err := workflow.ExecuteLocalActivity(fastPath(ctx), a.ApplyEvent, p.body, p.input(ctx)).Get(ctx, &r); err == nil {
		return p.follow(ctx, p.done(r), nil)
	}
	if ctx.Err() != nil && since(ctx, recordsCancellation) {
		return p.giveUp(cancellation(ctx))
	}
	if err := p.show(ctx, PhaseApplying, "", retryingDetails); err != nil {
		return ended, err
	}
	up, err := p.run(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(slowPath(ctx, "apply the event"), a.ApplyEvent, p.body, p.input(ctx))
	}, &r, SignalDiscard, SignalRetry)
	if up != nil {
		return p.giveUp(up)
	}
	return p.follow(ctx, p.done(r), err)
}

// done records that a person's retry, if there was one, has had its attempt. It returns r.
func (p *process) done(r activities.ApplyEventResult) activities.ApplyEventResult {
	p.asked, p.receipt.RetriedBy = false, nil
	return r
}

func (p *process) input(ctx workflow.Context) activities.ApplyEventInput {
	since := p.receipt.ReceivedAt
	if r := p.receipt.Replay; r != nil && r.At.After(since) {
		since = r.At
	}
	return activities.ApplyEventInput{Receipt: p.receipt, Age: max(0, workflow.Now(ctx).Sub(since)), Retried: p.asked}
}

// follow returns the phase that follows from an activity's result. Activities are retried without an end, so an error is one
// that no retry can cure, and the event needs a person. A cancellation comes here only in the histories of older code.
func (p *process) follow(ctx workflow.Context, r activities.ApplyEventResult, err error) (Phase, error) {
	if temporal.IsCanceledError(err) {
		return ended, err
	}
	if err != nil {
		reason := err.Error()
		if failed := (*temporal.ApplicationError)(nil); errors.As(err, &failed) {
			reason = failed.Message()
		}
		r = activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: p.state.OrderID, Detail: inorder.Bounded(reason)}
	}
	p.result, p.state.OrderID = r, r.OrderID
	switch {
	case r.Elsewhere && since(ctx, leavesElsewhere):
		return ended, nil
	case r.Outcome == inorder.Waiting, r.Outcome == inorder.Stuck, r.Outcome == inorder.Attention:
		return Phase(r.Outcome), nil
	case r.Waiters > 0:
		return releasing, nil
	}
	return ended, nil
}

// waitForOrder waits for "order.created", for the time of the next attempt, or for what a person does.
func (p *process) waitForOrder(ctx workflow.Context) (Phase, error) {
	r, next := p.result, workflow.Now(ctx).Add(p.result.RecheckAfter)
	asking := ""
	if r.AskPlatform {
		asking = askingText
	}
	if err := p.show(ctx, Phase(r.Outcome), r.Detail, waitingDetails(r, next, asking)); err != nil {
		return ended, err
	}
	p.state.NextAttempt = &next
	defer func() { p.state.NextAttempt = nil }()

	waiting, stop := workflow.WithCancel(ctx)
	defer stop() // cancels the timer, and the question to the platform if that has no answer yet
	sources := append(fromPeople(ctx), signaled(ctx, SignalOrderCreated), source{name: "next", future: workflow.NewTimer(waiting, r.RecheckAfter)})
	if !r.AskPlatform {
		return p.takeUp(ctx, first(ctx, sources...))
	}
	// If the platform has the order, FetchOrder's event creates it and wakes this one.
	answer := workflow.ExecuteActivity(orderQuestion(waiting), a.FetchOrder, activities.FetchOrderInput{OrderID: r.OrderID})
	came := first(ctx, append(sources, source{name: "answer", future: answer})...)
	if came == "answer" {
		p.showDetails(ctx, waitingDetails(r, next, answeredText(ctx, answer)))
		came = first(ctx, sources...)
	}
	return p.takeUp(ctx, came)
}

// waitForPerson waits for what a person does, and for nothing else.
func (p *process) waitForPerson(ctx workflow.Context) (Phase, error) {
	if err := p.show(ctx, PhaseAttention, p.result.Detail, attentionDetails(p.result)); err != nil {
		return ended, err
	}
	return p.takeUp(ctx, first(ctx, fromPeople(ctx)...))
}

// discard records that the event was given up. If it was applied before that, it stays applied.
func (p *process) discard(ctx workflow.Context) (Phase, error) {
	if p.shown == "" { // canceled before the fast path succeeded, so no phase was shown
		if err := p.show(ctx, PhaseApplying, "", discardingDetails); err != nil {
			return ended, err
		}
	}
	p.showDetails(ctx, discardingDetails)
	in := activities.DiscardEventInput{Receipt: p.receipt, Reason: p.givenUp.Reason, Actor: p.givenUp.Actor, Canceled: p.givenUp.canceled, ActID: p.givenUp.ActID}
	var r activities.ApplyEventResult
	_, err := p.run(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(slowPath(ctx, "discard the event"), a.DiscardEvent, p.body, in)
	}, &r, SignalRetry)
	return p.follow(ctx, r, err)
}

// release wakes the events that wait for the order that this one created. ctx is the workflow's own context. If it was canceled,
// the activity is scheduled, canceled at once and scheduled again. That must stay so, because existing histories contain it.
func (p *process) release(ctx workflow.Context) (Phase, error) {
	p.showDetails(ctx, releasingDetails(p.result))
	_, err := p.run(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(longRun(ctx, "release the events that wait for the order"), a.ReleaseWaiting, p.result.OrderID)
	}, nil, SignalRetry)
	return ended, err
}

// end shows and returns how the event ended. err starts the next run; in older histories it may be a cancellation.
func (p *process) end(ctx workflow.Context, err error) (Result, error) {
	if err := cmp.Or(p.hidePhase(ctx), err); err != nil {
		return Result{}, err
	}
	r := p.result
	p.state = State{EventID: p.receipt.EventID, OrderID: r.OrderID, Outcome: r.Outcome, Detail: r.Detail, Since: workflow.Now(ctx)}
	p.showDetails(ctx, endDetails(r))
	return Result{Outcome: r.Outcome, Detail: r.Detail, OrderID: r.OrderID}, nil
}

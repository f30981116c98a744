package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// ProcessEvent brings one event to its end. body is the envelope as it was received, byte for byte. The event is
//
//   - applying, until it is applied: what fails is tried again, without an end;
//   - waiting, then stuck, while its order is missing: it looks again on the signal "order.created" or "retry" and at
//     growing intervals, until it is applied or expires; from a certain age on, each look also asks the platform for the order;
//   - in attention when it can't be applied as it is, until a person decides;
//   - releasing the events that waited for the order that it created, and nothing stops that.
//
// In every phase "retry" does now what is to be done next, and "discard" or a cancellation of the workflow gives the event
// up, which is recorded. It ends with a Result, and never just fails.
func ProcessEvent(ctx workflow.Context, body converter.RawValue, receipt activities.Receipt) (Result, error) {
	receipt.EventID = cmp.Or(receipt.EventID, workflow.GetInfo(ctx).WorkflowExecution.ID) // somebody started it by hand, without a receipt
	p := &process{body: body, receipt: receipt}
	p.state = State{EventID: receipt.EventID, Phase: PhaseApplying, Since: workflow.Now(ctx)}
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (State, error) { return p.state, nil }); err != nil {
		return Result{}, err
	}
	r, err := p.bringToEnd(ctx)
	if err == nil && r.Waiters > 0 {
		err = p.release(ctx, r)
	}
	if err := p.hidePhase(ctx); err != nil {
		return Result{}, err
	}
	if err != nil {
		return Result{}, err // the next run; in older histories a cancellation
	}
	p.state = State{EventID: receipt.EventID, OrderID: r.OrderID, Outcome: r.Outcome, Detail: r.Detail, Since: workflow.Now(ctx)}
	workflow.SetCurrentDetails(ctx, endDetails(r))
	return Result{Outcome: r.Outcome, Detail: r.Detail, OrderID: r.OrderID}, nil
}

// process is one run of ProcessEvent.
type process struct {
	body    converter.RawValue
	receipt activities.Receipt
	state   State
	shown   Phase // the value of EventPhase, if it is set
}

var a *activities.Activities // never set: it names the activities

// bringToEnd returns when the event needs nobody and nothing any more, except that others are released.
func (p *process) bringToEnd(ctx workflow.Context) (activities.ApplyEventResult, error) {
	r, up, err := p.apply(ctx)
	for err == nil && (up != nil || parked(r.Outcome)) {
		switch {
		case up != nil:
			if ctx.Err() != nil { // heard once, it ends nothing that is begun from now on
				ctx, _ = workflow.NewDisconnectedContext(ctx)
			}
			r, err = p.discard(ctx, *up)
			up = nil
		default:
			if up, err = p.park(ctx, r); up != nil || err != nil {
				continue
			}
			if p.wantsNewRun(ctx) {
				return r, workflow.NewContinueAsNewError(ctx, ProcessEvent, p.body, p.receipt)
			}
			r, up, err = p.apply(ctx)
		}
	}
	return r, err
}

func parked(o inorder.Outcome) bool {
	return o == inorder.Waiting || o == inorder.Stuck || o == inorder.Attention
}

// wantsNewRun reports whether the history has become long. The next run begins with a look, which is what "retry" and
// "order.created" ask for; a "discard" that is not read yet would be lost.
func (p *process) wantsNewRun(ctx workflow.Context) bool {
	if !workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.GetSignalChannel(ctx, SignalDiscard).Len() > 0 {
		return false
	}
	p.takeRetries(ctx)
	return true
}

// apply tries the fast path first. Whatever fails there is run again as an activity that a person can see, until it
// succeeds or the event is given up.
func (p *process) apply(ctx workflow.Context) (r activities.ApplyEventResult, up *giveUp, err error) {
	err = workflow.ExecuteLocalActivity(fastPath(ctx), a.ApplyEvent, p.body, p.look(ctx)).Get(ctx, &r)
	if err == nil {
		p.state.OrderID = r.OrderID
		return r, nil, nil
	}
	if ctx.Err() != nil && since(ctx, recordsCancellation) {
		return r, cancellation(ctx), nil
	}
	if err = p.enter(ctx, PhaseApplying, "", retryingDetails); err != nil {
		return r, nil, err
	}
	apply := func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(slowPath(ctx, "apply the event"), a.ApplyEvent, p.body, p.look(ctx))
	}
	for {
		signal, err := untilSignal(ctx, apply, &r, SignalDiscard, SignalRetry)
		switch {
		case signal == SignalDiscard:
			if up := takeDiscard(ctx); up != nil {
				return r, up, nil
			}
		case signal == SignalRetry:
			p.takeRetries(ctx)
		case temporal.IsCanceledError(err) && since(ctx, recordsCancellation):
			return r, cancellation(ctx), nil
		case err == nil:
			p.state.OrderID = r.OrderID
			return r, nil, nil
		default:
			r, err = p.attentionIfLasting(r, err)
			return r, nil, err
		}
	}
}

// look is what ApplyEvent is told of the event's age.
func (p *process) look(ctx workflow.Context) activities.ApplyEventInput {
	return activities.ApplyEventInput{Receipt: p.receipt, Age: max(0, workflow.Now(ctx).Sub(p.receipt.ReceivedAt))}
}

// park shows why the event does not go on. It returns when the event should be looked at again, or is given up.
func (p *process) park(ctx workflow.Context, r activities.ApplyEventResult) (up *giveUp, err error) {
	var next *time.Time
	if r.LookAgain > 0 {
		at := workflow.Now(ctx).Add(r.LookAgain)
		next = &at
	}
	phase := Phase(r.Outcome)
	show := func(platform string) string { return parkedDetails(phase, r, next, platform) }
	if err := p.enter(ctx, phase, r.Detail, show(askingDetails(r.AskPlatform))); err != nil {
		return nil, err
	}
	p.state.NextLook = next
	defer func() { p.state.NextLook = nil }()

	done := false
	s := workflow.NewSelector(ctx)
	s.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { done = true })
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalDiscard), func(workflow.ReceiveChannel, bool) { up, done = takeDiscard(ctx), true })
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalRetry), func(workflow.ReceiveChannel, bool) { p.takeRetry(ctx); done = true })
	if next != nil {
		waiting, stop := workflow.WithCancel(ctx) // with the wait ends the question, however it stands
		defer stop()
		s.AddReceive(workflow.GetSignalChannel(ctx, SignalOrderCreated), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil); done = true })
		s.AddFuture(workflow.NewTimer(waiting, r.LookAgain), func(workflow.Future) { done = true })
		if r.AskPlatform {
			s.AddFuture(p.ask(waiting, r.OrderID), func(f workflow.Future) {
				workflow.SetCurrentDetails(ctx, show(answeredDetails(ctx, f)))
			})
		}
	}
	for !done {
		s.Select(ctx)
	}
	if ctx.Err() == nil {
		return up, nil
	}
	if since(ctx, recordsCancellation) {
		return cmp.Or(up, cancellation(ctx)), nil
	}
	return nil, ctx.Err()
}

// ask asks the platform for the order. When it has it, an event creates the order, and that event wakes this one.
func (p *process) ask(ctx workflow.Context, orderID string) workflow.Future {
	return workflow.ExecuteActivity(asking(ctx), a.FetchOrder, activities.FetchOrderInput{OrderID: orderID})
}

// discard records that the event was given up. If it was applied before that, it stays applied.
func (p *process) discard(ctx workflow.Context, up giveUp) (r activities.ApplyEventResult, err error) {
	if p.shown == "" { // canceled before its first look
		if err := p.enter(ctx, PhaseApplying, "", ""); err != nil {
			return r, err
		}
	}
	workflow.SetCurrentDetails(ctx, discardingDetails)
	in := activities.DiscardEventInput{Receipt: p.receipt, Reason: up.Reason, Actor: up.Actor, Canceled: up.canceled}
	err = p.insist(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(slowPath(ctx, "discard the event"), a.DiscardEvent, p.body, in)
	}, &r)
	return p.attentionIfLasting(r, err)
}

// release wakes the events that wait for the order that this one created.
func (p *process) release(ctx workflow.Context, r activities.ApplyEventResult) error {
	workflow.SetCurrentDetails(ctx, releasingDetails(r))
	return p.insist(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(longRun(ctx, "release what waits for the order"), a.ReleaseWaiting, r.OrderID)
	}, nil)
}

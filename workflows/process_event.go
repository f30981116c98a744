package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// ProcessEvent brings one event to its end. body is the envelope as it was received, byte for byte.
//
// It applies the event. While the event's order is missing it waits, and looks again on the signal "order.created" or
// "retry" and at growing intervals, until the event is applied, discarded or expired; from a certain age on, each look
// that finds the order missing also asks the platform for it. What can never succeed as it is parks for a person, who sends "retry" or "discard". When the event created its order, those that waited for it are
// woken. It ends with a Result, and never just fails.
func ProcessEvent(ctx workflow.Context, body converter.RawValue, receipt activities.Receipt) (Result, error) {
	p := &process{body: body, receipt: receipt}
	p.state = State{EventID: receipt.EventID, Phase: PhaseApplying, Since: workflow.Now(ctx)}
	if err := workflow.SetQueryHandler(ctx, QueryState, func() (State, error) { return p.state, nil }); err != nil {
		return Result{}, err
	}
	r, err := p.bringToEnd(ctx)
	if err == nil && r.Waiters > 0 {
		err = workflow.ExecuteActivity(longRun(ctx, "release what waits for the order"), a.ReleaseWaiting, r.OrderID).Get(ctx, nil)
	}
	if err := p.hidePhase(ctx); err != nil {
		return Result{}, err
	}
	if err != nil {
		return Result{}, err // a cancellation, or the next run: every other end of an activity is a result
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

// bringToEnd returns when the event needs nobody and nothing any more.
func (p *process) bringToEnd(ctx workflow.Context) (activities.ApplyEventResult, error) {
	r, err := p.apply(ctx)
	for err == nil && parked(r.Outcome) {
		discard, parkErr := p.park(ctx, r)
		switch {
		case parkErr != nil:
			err = parkErr
		case discard != nil:
			r, err = p.discard(ctx, *discard)
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested() && discardSignal(ctx).Len() == 0:
			// Every other signal that is not read yet means what the new run does first.
			err = workflow.NewContinueAsNewError(ctx, ProcessEvent, p.body, p.receipt)
		default:
			r, err = p.apply(ctx)
		}
	}
	return r, err
}

var a *activities.Activities // never set: it names the activities

func parked(o inorder.Outcome) bool {
	return o == inorder.Waiting || o == inorder.Stuck || o == inorder.Attention
}

// apply tries the fast path first. Whatever fails there is run again as an activity that a person can see, until it
// succeeds or fails in a way that lasts.
func (p *process) apply(ctx workflow.Context) (activities.ApplyEventResult, error) {
	in := activities.ApplyEventInput{Receipt: p.receipt, Age: workflow.Now(ctx).Sub(p.receipt.ReceivedAt)}
	var r activities.ApplyEventResult
	err := workflow.ExecuteLocalActivity(fastPath(ctx), a.ApplyEvent, p.body, in).Get(ctx, &r)
	if err != nil {
		if err = p.enter(ctx, PhaseApplying, "", retryingDetails); err != nil {
			return r, err
		}
		err = workflow.ExecuteActivity(slowPath(ctx, "apply the event"), a.ApplyEvent, p.body, in).Get(ctx, &r)
	}
	if err == nil {
		p.state.OrderID = r.OrderID
	}
	return p.attentionIfLasting(r, err)
}

func (p *process) discard(ctx workflow.Context, d Discard) (activities.ApplyEventResult, error) {
	in := activities.DiscardEventInput{Receipt: p.receipt, Reason: d.Reason, Actor: d.Actor}
	var r activities.ApplyEventResult
	err := workflow.ExecuteActivity(slowPath(ctx, "discard the event"), a.DiscardEvent, p.body, in).Get(ctx, &r)
	return p.attentionIfLasting(r, err)
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
	return activities.ApplyEventResult{Outcome: inorder.Attention, OrderID: p.state.OrderID, Detail: reason}, nil
}

// park shows why the event does not go on, and returns when it should be looked at again, or is to be discarded.
func (p *process) park(ctx workflow.Context, r activities.ApplyEventResult) (*Discard, error) {
	var next *time.Time
	if r.LookAgain > 0 {
		at := workflow.Now(ctx).Add(r.LookAgain)
		next = &at
	}
	phase := Phase(r.Outcome)
	asked := ""
	if r.AskPlatform {
		asked = askingDetails
	}
	if err := p.enter(ctx, phase, r.Detail, parkedDetails(phase, r, next, asked)); err != nil {
		return nil, err
	}
	p.state.NextLook = next
	defer func() { p.state.NextLook = nil }()

	var discard *Discard
	done := false
	s := workflow.NewSelector(ctx)
	wake := func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, nil)
		done = true
	}
	s.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { done = true })
	s.AddReceive(discardSignal(ctx), func(c workflow.ReceiveChannel, _ bool) {
		var d Discard
		if c.ReceiveAsync(&d) { // one that cannot be read is dropped: a blocking receive would wait here for another
			discard = &d
		}
		done = true
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalRetry), wake)
	if next != nil {
		waiting, stop := workflow.WithCancel(ctx) // with the wait ends the question, however it stands
		defer stop()
		s.AddReceive(workflow.GetSignalChannel(ctx, SignalOrderCreated), wake)
		s.AddFuture(workflow.NewTimer(waiting, r.LookAgain), func(workflow.Future) { done = true })
		if r.AskPlatform {
			s.AddFuture(p.ask(waiting, r.OrderID), func(f workflow.Future) {
				workflow.SetCurrentDetails(ctx, parkedDetails(phase, r, next, answeredDetails(ctx, f)))
			})
		}
	}
	for !done {
		s.Select(ctx)
	}
	return discard, ctx.Err()
}

// ask asks the platform for the order. When it has it, an event creates the order, and that event wakes this one.
func (p *process) ask(ctx workflow.Context, orderID string) workflow.Future {
	return workflow.ExecuteActivity(asking(ctx), a.FetchOrder, activities.FetchOrderInput{OrderID: orderID})
}

func discardSignal(ctx workflow.Context) workflow.ReceiveChannel {
	return workflow.GetSignalChannel(ctx, SignalDiscard)
}

// enter shows a phase of the slow path to operators. Search attributes cost an event, so only a new phase sets one.
func (p *process) enter(ctx workflow.Context, phase Phase, detail, details string) error {
	if p.state.Phase != phase {
		p.state.Since = workflow.Now(ctx)
	}
	p.state.Phase, p.state.Detail = phase, detail
	workflow.SetCurrentDetails(ctx, details)
	if p.shown == phase {
		return nil
	}
	p.shown = phase
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueSet(string(phase)))
}

// hidePhase leaves EventPhase to those that run, so that nobody finds an event at a place where it no longer is.
func (p *process) hidePhase(ctx workflow.Context) error {
	if p.shown == "" {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueUnset())
}

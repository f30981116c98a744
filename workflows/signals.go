package workflows

import (
	"cmp"
	"encoding/json"
	"slices"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// What reaches ProcessEvent from outside: signals, and a cancellation of the workflow.

// source is something that a phase waits for: a channel or a future.
type source struct {
	name    string
	channel workflow.ReceiveChannel
	future  workflow.Future // used if channel is nil
}

const canceled = "canceled" // the name of a cancellation as a source; signals have their own names

// first returns the name of the source that is ready first; if several are ready at once, the first in the list. It doesn't read the signal.
func first(ctx workflow.Context, sources ...source) (name string) {
	s := workflow.NewSelector(ctx)
	for _, c := range sources {
		if c.channel != nil {
			s.AddReceive(c.channel, func(workflow.ReceiveChannel, bool) { name = c.name })
		} else {
			s.AddFuture(c.future, func(workflow.Future) { name = c.name })
		}
	}
	s.Select(ctx)
	return name
}

func signaled(ctx workflow.Context, signal string) source {
	return source{name: signal, channel: workflow.GetSignalChannel(ctx, signal)}
}

// fromPeople returns the sources of what a person can do to a waiting event.
func fromPeople(ctx workflow.Context) []source {
	return []source{{name: canceled, channel: ctx.Done()}, signaled(ctx, SignalDiscard), signaled(ctx, SignalRetry)}
}

// takeUp handles the source that ended a wait: it reads the signal and returns the phase that follows, which is applying unless
// the event is given up. A cancellation may have come together with the signal.
func (p *process) takeUp(ctx workflow.Context, came string) (Phase, error) {
	var up *giveUp
	switch came {
	case SignalDiscard:
		up = takeDiscard(ctx)
	case SignalRetry:
		p.takeRetry(ctx)
	case SignalOrderCreated:
		workflow.GetSignalChannel(ctx, SignalOrderCreated).ReceiveAsync(nil)
	}
	if ctx.Err() != nil {
		if !since(ctx, recordsCancellation) {
			return ended, ctx.Err()
		}
		up = cmp.Or(up, cancellation(ctx))
	}
	if up != nil {
		return p.giveUp(up)
	}
	return p.applyAgain(ctx)
}

// applyAgain leads to applying, in a new run if the history has grown long. A new run begins with applying, which is what
// unread "retry" and "order.created" signals ask for. With an unread "discard" there is no new run: the signal would be lost.
func (p *process) applyAgain(ctx workflow.Context) (Phase, error) {
	if !workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.GetSignalChannel(ctx, SignalDiscard).Len() > 0 {
		return PhaseApplying, nil
	}
	p.takeRetries(ctx)
	return ended, workflow.NewContinueAsNewError(ctx, ProcessEvent, p.body, p.receipt)
}

// giveUp is a person's decision to give the event up.
type giveUp struct {
	Discard
	canceled bool // whether it came as a cancellation of the workflow
}

func (p *process) giveUp(up *giveUp) (Phase, error) {
	p.givenUp = *up
	return discarding, nil
}

// takeDiscard reads the signal "discard". It returns nil if there is none, or if older code dropped it as unreadable.
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
	up.Reason, up.Actor, up.ActID = inorder.Bounded(up.Reason), inorder.Bounded(up.Actor), inorder.Bounded(up.ActID)
	return up
}

// cancellation returns the "discard" that came with a cancellation of the workflow, or else the cancellation itself as the decision.
func cancellation(ctx workflow.Context) *giveUp {
	return cmp.Or(takeDiscard(ctx), &giveUp{canceled: true})
}

// disconnected returns ctx, or if ctx has been canceled, a context that this cancellation doesn't affect.
func disconnected(ctx workflow.Context) workflow.Context {
	if ctx.Err() != nil {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return ctx
}

// takeRetry reads one signal "retry", and reports whether there was one. The last one sets RetriedAt.
func (p *process) takeRetry(ctx workflow.Context) bool {
	var raw converter.RawValue
	if !workflow.GetSignalChannel(ctx, SignalRetry).ReceiveAsync(&raw) {
		return false
	}
	p.receipt.RetriedAt, p.asked = workflow.Now(ctx).UTC(), true
	var said Retry
	//workflowcheck:ignore decoding a few fields is deterministic; the checker can't see that of reflection
	if json.Unmarshal(raw.Payload().GetData(), &said) != nil {
		said = Retry{} // an unreadable argument still makes a "retry"
	}
	if !said.Audited {
		p.receipt.RetriedBy = &activities.Act{Actor: inorder.Bounded(said.Actor), Reason: inorder.Bounded(said.Reason)}
	}
	return true
}

// takeRetries reads all "retry" signals that have come: one attempt answers them all.
func (p *process) takeRetries(ctx workflow.Context) {
	for p.takeRetry(ctx) {
	}
}

// run runs an activity until it ends or the event is given up; then up says why. "retry" runs the activity again at once. If
// "discard" is among the signals, a "discard" or a cancellation of the workflow gives the event up; otherwise neither stops the
// activity. A stopped activity may have taken effect all the same; the next step finds that out.
func (p *process) run(ctx workflow.Context, start func(workflow.Context) workflow.Future, result any, signals ...string) (up *giveUp, err error) {
	for {
		signal, err := runOnce(ctx, start, result, signals)
		switch {
		case signal == SignalDiscard:
			if up := takeDiscard(ctx); up != nil {
				return up, nil
			}
		case signal == SignalRetry:
			p.takeRetries(ctx)
		case !temporal.IsCanceledError(err) || !since(ctx, recordsCancellation):
			return nil, err
		case slices.Contains(signals, SignalDiscard):
			return cancellation(ctx), nil
		default:
			ctx, _ = workflow.NewDisconnectedContext(ctx)
		}
	}
}

// runOnce runs an activity until it ends or one of the signals comes. Then it cancels the activity and returns the signal's name;
// the signal stays unread.
func runOnce(ctx workflow.Context, start func(workflow.Context) workflow.Future, result any, signals []string) (signal string, err error) {
	running, stop := workflow.WithCancel(ctx)
	defer stop()
	activity := start(running)
	sources := []source{{future: activity}}
	for _, name := range signals {
		sources = append(sources, signaled(ctx, name))
	}
	if signal = first(ctx, sources...); signal != "" && since(ctx, heedsSignals) {
		return signal, nil
	}
	return "", activity.Get(ctx, result)
}

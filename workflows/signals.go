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

// What reaches an event from outside while ProcessEvent brings it to its end: signals, and a cancellation of the workflow.

// source is something that a phase waits for.
type source struct {
	name    string
	channel workflow.ReceiveChannel
	future  workflow.Future // if there is no channel
}

const canceled = "canceled" // the name of a cancellation, beside those of signals

// first returns the name of the source that comes first; of several at once, the first in the list. A signal is not read.
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

// fromPeople is what a person can do to an event that waits.
func fromPeople(ctx workflow.Context) []source {
	return []source{{name: canceled, channel: ctx.Done()}, signaled(ctx, SignalDiscard), signaled(ctx, SignalRetry)}
}

// takeUp reads the signal that ended a wait, and returns the phase that follows: applying, unless the event is given up. A
// cancellation may have come together with the signal.
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

// applyAgain is followed by applying, in a new run if the history has become long. A new run applies first, which is what
// "retry" and "order.created" ask for; a "discard" that is not read yet would be lost.
func (p *process) applyAgain(ctx workflow.Context) (Phase, error) {
	if !workflow.GetInfo(ctx).GetContinueAsNewSuggested() || workflow.GetSignalChannel(ctx, SignalDiscard).Len() > 0 {
		return PhaseApplying, nil
	}
	p.takeRetries(ctx)
	return ended, workflow.NewContinueAsNewError(ctx, ProcessEvent, p.body, p.receipt)
}

// giveUp is a person's decision that the event is not to be applied.
type giveUp struct {
	Discard
	canceled bool // by a cancellation of the workflow
}

func (p *process) giveUp(up *giveUp) (Phase, error) {
	p.givenUp = *up
	return discarding, nil
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
	up.Reason, up.Actor, up.ActID = inorder.Bounded(up.Reason), inorder.Bounded(up.Actor), inorder.Bounded(up.ActID)
	return up
}

// cancellation is what a cancellation of the workflow asks for. A "discard" that came with it says why.
func cancellation(ctx workflow.Context) *giveUp {
	return cmp.Or(takeDiscard(ctx), &giveUp{canceled: true})
}

// disconnected returns a context that a cancellation which was received does not end.
func disconnected(ctx workflow.Context) workflow.Context {
	if ctx.Err() != nil {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	return ctx
}

// takeRetry reads one signal "retry", and reports whether there was one. The event's date is judged by the time of the last.
func (p *process) takeRetry(ctx workflow.Context) bool {
	var raw converter.RawValue
	if !workflow.GetSignalChannel(ctx, SignalRetry).ReceiveAsync(&raw) {
		return false
	}
	p.receipt.RetriedAt, p.asked = workflow.Now(ctx).UTC(), true
	var said Retry
	//workflowcheck:ignore decoding a few fields is deterministic; the checker can't see that of reflection
	if json.Unmarshal(raw.Payload().GetData(), &said) != nil {
		said = Retry{} // it says nothing of use, and is a "retry" all the same
	}
	if !said.Audited {
		p.receipt.RetriedBy = &activities.Act{Actor: inorder.Bounded(said.Actor), Reason: inorder.Bounded(said.Reason)}
	}
	return true
}

// takeRetries reads all that have come: one attempt answers them all.
func (p *process) takeRetries(ctx workflow.Context) {
	for p.takeRetry(ctx) {
	}
}

// run runs an activity until it ends, or the event is given up: up says why. "retry" runs it again at once. Only if "discard" is
// among the signals, that and a cancellation of the workflow give the event up; else they don't stop the activity. One that is
// stopped may have had its effect all the same: whatever comes next finds that out.
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

// runOnce runs an activity until it ends, or until one of the signals comes, which is returned unread; the activity is
// canceled then.
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

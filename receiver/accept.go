package receiver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"go.temporal.io/api/serviceerror"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/inbox"
	"inorder/internal/ready"
	"inorder/internal/words"
	"inorder/workflows"
)

// Inbox is the second way in, for when Temporal is away, slow or full.
type Inbox interface {
	// Put returns once the event is durable or found to be a duplicate. The drainer leaves the event alone for the duration after. It is
	// no point in time, because PostgreSQL's clock may differ from ours.
	Put(e inorder.Event, after time.Duration) (duplicate bool, err error)
	// Remove removes an event that Temporal has taken after all. It does not wait, and may do nothing.
	Remove(eventID string)
	// Open reports whether Put is worth trying.
	Open() bool
}

const (
	// How long Temporal may take before the event goes into the inbox as well.
	calmBudget = 250 * time.Millisecond
	loadBudget = 40 * time.Millisecond
	// graceForStart is how long the drainer leaves an event alone while its start is under way.
	graceForStart = time.Second
)

// ways are the ways in: Temporal, then the inbox. inbox is nil for a receiver that has only Temporal.
type ways struct {
	engine *engine
	inbox  Inbox
	now    func() time.Time
}

// accept makes the event durable and returns how, such as delivery.ResultAccepted; a duplicate is a result, not an error. An event becomes
// a workflow as long as Temporal can take it; the inbox takes the others. The way that is durable first decides the answer. An event that
// took both ways is applied once, because its row in webhook_events is written only once. ctx has the delivery's span and is never cancelled.
func (w *ways) accept(ctx context.Context, e inorder.Event) (string, error) {
	if w.inbox == nil {
		return w.engine.await(ctx, e)
	}
	if !w.inbox.Open() {
		return w.withoutInbox(ctx, e, errInboxClosed)
	}
	starting, cause := w.engine.begin(ctx, e, w.now())
	if starting == nil {
		return w.spillFirst(ctx, e, cause)
	}
	budget := time.NewTimer(w.budget())
	defer budget.Stop()
	select {
	case s := <-starting:
		if s.err == nil {
			return s.result, nil
		}
		result, err := w.spill(e, 0)
		if err != nil {
			return "", fmt.Errorf("%w; and %w", s.err, err)
		}
		return result, nil
	case <-budget.C:
		w.engine.slots.overran(w.now())
		return w.both(e, starting)
	}
}

var errInboxClosed = errors.New("PostgreSQL does not answer")

// withoutInbox takes the first way and waits for it as long as the timeout allows. If Temporal is away, too, it refuses at once.
func (w *ways) withoutInbox(ctx context.Context, e inorder.Event, cause error) (string, error) {
	if !w.engine.breaker.TryAcquirePermit() {
		return "", fmt.Errorf("%s has not answered lately; and %w", w.engine.name, cause)
	}
	result, err := w.engine.await(ctx, e)
	if err != nil {
		return "", fmt.Errorf("%w; and %w", err, cause)
	}
	return result, nil
}

func (w *ways) budget() time.Duration {
	if w.engine.slots.isLoaded() {
		return loadBudget
	}
	return calmBudget
}

// spillFirst takes the second way because the first is closed. If PostgreSQL fails, it tries the first way after all, which may be
// open by now; but not if the inbox is full: then both ways are at their limits, and one more waiting event helps nobody.
func (w *ways) spillFirst(ctx context.Context, e inorder.Event, closed error) (string, error) {
	result, err := w.spill(e, 0)
	switch {
	case err == nil:
		return result, nil
	case w.engine.open() && !errors.Is(err, inbox.ErrFull):
		return w.withoutInbox(ctx, e, err)
	}
	return "", fmt.Errorf("%w; and %w", closed, err)
}

func (w *ways) spill(e inorder.Event, after time.Duration) (string, error) {
	duplicate, err := w.inbox.Put(e, after)
	switch {
	case err != nil:
		return "", err
	case duplicate:
		return delivery.ResultDuplicate, nil
	}
	return delivery.ResultSpilled, nil
}

// both takes the second way while a start is still under way.
func (w *ways) both(e inorder.Event, starting <-chan startEnd) (string, error) {
	spilling := make(chan startEnd, 1)
	go func() {
		result, err := w.spill(e, graceForStart)
		spilling <- startEnd{result, err}
	}()
	select {
	case s := <-starting:
		if s.err != nil {
			p := <-spilling
			return p.result, p.err
		}
		go w.removeAfter(e, spilling)
		return s.result, nil
	case p := <-spilling:
		if p.err == nil {
			go w.removeAfter(e, starting)
			return p.result, nil
		}
		if !w.engine.open() { // the start only probes a Temporal that is away: don't wait for it
			return "", p.err
		}
		s := <-starting
		return s.result, s.err
	}
}

// removeAfter waits for the other way, and removes the event from the inbox if that way has succeeded, too: Temporal has the event.
func (w *ways) removeAfter(e inorder.Event, other <-chan startEnd) {
	if end := <-other; end.err == nil {
		w.inbox.Remove(e.ID)
	}
}

// engine is the first way in: Temporal, which makes an event durable by starting its workflow. It bounds how many starts are
// under way, and knows when Temporal is away.
type engine struct {
	starter   Starter
	name      string
	taskQueue string
	timeout   time.Duration
	slots     *slots
	breaker   circuitbreaker.CircuitBreaker[any]
}

// startEnd is how a start or a spill ended.
type startEnd struct {
	result string // ResultAccepted, ResultSpilled or ResultDuplicate
	err    error  // a sentence for the log
}

const (
	failuresToOpen = 5
	openFor        = time.Second
)

func newEngine(o Options) *engine {
	return &engine{
		starter: o.Starter, name: o.StarterName, taskQueue: o.TaskQueue, timeout: o.StartTimeout, slots: newSlots(o.MaxStarts),
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresToOpen).WithSuccessThreshold(1).WithDelay(openFor).Build(),
	}
}

// open reports whether Temporal has answered lately.
func (g *engine) open() bool { return g.breaker.RemainingDelay() == 0 }

// begin starts the event's workflow and returns at once; the channel receives how the start ended. If Temporal is away or
// no slot is free, begin returns an error instead. A start that has begun is never cancelled: Temporal would have the event
// all the same, and its first workflow task would be lost for ten seconds.
func (g *engine) begin(ctx context.Context, e inorder.Event, now time.Time) (<-chan startEnd, error) {
	if !g.slots.take(now) {
		return nil, fmt.Errorf("%s accepts no more starts at the moment: %s under way", g.name, words.Phrase(g.slots.underWay(), "start is", "starts are"))
	}
	if !g.breaker.TryAcquirePermit() {
		g.slots.giveBack()
		return nil, fmt.Errorf("%s has not answered lately", g.name)
	}
	ended := make(chan startEnd, 1)
	go func() {
		defer g.slots.giveBack()
		ctx, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		ended <- g.start(ctx, e)
	}()
	return ended, nil
}

// await starts the event's workflow as soon as a slot is free, and returns how the start ended. Waiting and starting together
// take at most the timeout. It is for when Temporal is the only way in.
func (g *engine) await(ctx context.Context, e inorder.Event) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	if err := g.slots.await(ctx); err != nil {
		g.breaker.RecordFailure()
		return "", fmt.Errorf("%s kept this event waiting for %s: %s under way", g.name, g.timeout, words.Phrase(g.slots.underWay(), "other start is", "other starts are"))
	}
	defer g.slots.giveBack()
	end := g.start(ctx, e)
	return end.result, end.err
}

// start makes one attempt to start the event's workflow. If Temporal already knows the event, the result is a duplicate, not an error.
func (g *engine) start(ctx context.Context, e inorder.Event) startEnd {
	options, body, receipt := workflows.StartRequest(g.taskQueue, e)
	_, err := g.starter.ExecuteWorkflow(ctx, options, workflows.ProcessEventType, body, receipt)
	_, known := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	switch {
	case known:
		g.breaker.RecordSuccess()
		return startEnd{result: delivery.ResultDuplicate}
	case err == nil:
		g.breaker.RecordSuccess()
		return startEnd{result: delivery.ResultAccepted}
	}
	g.breaker.RecordFailure()
	if lacksSearchAttributes(err) {
		return startEnd{err: fmt.Errorf("%s does not know the search attributes: run `inorder migrate`", g.name)}
	}
	return startEnd{err: errors.New(ready.Cause(g.name, g.timeout, err))}
}

// lacksSearchAttributes matches by text, because Temporal has no code for this error. The result only chooses what the log says.
func lacksSearchAttributes(err error) bool {
	invalid, ok := errors.AsType[*serviceerror.InvalidArgument](err)
	return ok && strings.Contains(strings.ToLower(invalid.Message), "search attribute")
}

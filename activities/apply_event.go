package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/internal/store"
	"inorder/internal/telemetry"
)

// ApplyEventInput is the input of ApplyEvent besides the event itself.
type ApplyEventInput struct {
	Receipt Receipt       `json:"receipt"`
	Age     time.Duration `json:"age"` // of the event since its receipt, or its replay, in nanoseconds
	// Retried is set if a person asked for this attempt. If the event then waits, the platform is asked for its order at once.
	Retried bool `json:"retried,omitempty"`
}

// ApplyEventResult is what became of the event.
type ApplyEventResult struct {
	Outcome inorder.Outcome `json:"outcome"`
	Detail  string          `json:"detail,omitempty"`
	OrderID string          `json:"order_id,omitempty"`
	// Waiters is how many events wait for the order that this event created.
	Waiters int `json:"waiters,omitempty"`
	// Elsewhere is set if the event waits, or needs a person, in another workflow.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// RecheckAfter is the time from now until a waiting event is applied again by itself, in nanoseconds.
	RecheckAfter time.Duration `json:"look_again,omitempty"`
	// AskPlatform is set if the platform should be asked for a waiting event's order, because of the event's age or Retried: see FetchOrder.
	AskPlatform bool `json:"ask_platform,omitempty"`
}

// ApplyEvent applies an event to its order in one transaction and four round trips: see store.Apply.
//
// It may run twice: the event's row in webhook_events is written in the same transaction as the effect, so a second run finds the
// row, returns what the first run recorded, and writes nothing. An event that needs a person, or that PostgreSQL refuses for good,
// is no error: its outcome is Attention, recorded with the reason. Retrying cures every error (see classify).
//
// A replay undoes the event's end once, in the same transaction; a second run finds the act in the audit.
func (a *Activities) ApplyEvent(ctx context.Context, body converter.RawValue, in ApplyEventInput) (ApplyEventResult, error) {
	e := a.judge(body, in.Receipt)
	telemetry.Mark(ctx, e.Event)
	if err := a.auditRetry(ctx, e, in.Receipt.RetriedBy); err != nil {
		return ApplyEventResult{}, err
	}
	result, err := a.apply(ctx, e, in)
	var amended *amendedError
	if errors.As(err, &amended) {
		return a.apply(ctx, amended.event, in)
	}
	return result, err
}

// amendedError reports that a person has corrected the event's body. It carries the corrected event.
type amendedError struct{ event store.Event }

func (e *amendedError) Error() string { return "the event's body was corrected at the same time" }

func (a *Activities) apply(ctx context.Context, e store.Event, in ApplyEventInput) (ApplyEventResult, error) {
	age := max(in.Age, 0) // an event that was received in the future is new
	result := ApplyEventResult{OrderID: e.Change.OrderID}
	drift := inorder.DriftNone // the drift that this run repairs
	decide := func(e store.Event, o inorder.Order) inorder.Decision {
		d := e.Decide(o)
		switch {
		case d.Outcome == inorder.Waiting:
			wait := a.waitPolicy()
			d.Outcome, _ = wait.at(age, 0)
			result.AskPlatform = (wait.asks(age) || in.Retried && a.Platform != nil) && d.Outcome != inorder.Expired
		case d.Outcome == inorder.Applied && e.Type == inorder.TypeReconciled:
			drift = o.Repaired(e.Change, d.Order)
		}
		return d
	}
	results, err := a.Store.Apply(ctx, []store.Event{e}, store.Options{Decide: decide})
	if store.IsLasting(err) {
		return a.park(ctx, e, err)
	}
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("apply event %s: %w", e.ID, err))
	}
	r := results[0]
	if r.Amended {
		return ApplyEventResult{}, a.amended(ctx, e)
	}
	result.Outcome, result.Detail, result.Elsewhere = r.Outcome, r.Detail, r.Elsewhere
	if !r.Recorded {
		a.ended(ctx, e.Event, r.Outcome, in.Receipt)
	}
	if r.OtherBody {
		a.Redelivery.Notice(a.Limited, telemetry.Attrs(e.Event))
	}
	switch {
	case e.Change.Creates:
		result.Waiters = r.Waiters
	case r.Outcome == inorder.Waiting, r.Outcome == inorder.Stuck:
		_, result.RecheckAfter = a.waitPolicy().at(age, r.Waiters)
	}
	a.countRepair(ctx, drift, e)
	return result, nil
}

// ended counts and logs that an event has just ended. It ignores outcomes that don't end an event.
func (a *Activities) ended(ctx context.Context, e inorder.Event, outcome inorder.Outcome, r Receipt) {
	a.Traffic.Ended(outcome, store.ViaWorkflow, r.since())
	a.Ends.Ended(ctx, e, outcome, store.ViaWorkflow)
}

// park records that PostgreSQL refuses the event's data, so that the event needs a person.
func (a *Activities) park(ctx context.Context, e store.Event, cause error) (ApplyEventResult, error) {
	r, err := a.Store.Park(ctx, e, store.Describe(cause))
	if err != nil {
		return ApplyEventResult{}, classify(ctx, fmt.Errorf("park event %s: %w", e.ID, err))
	}
	if r.Amended {
		return ApplyEventResult{}, a.amended(ctx, e)
	}
	return ApplyEventResult{Outcome: r.Outcome, Detail: r.Detail, OrderID: e.Change.OrderID, Elsewhere: r.Elsewhere}, nil
}

// judge reads what the event says about its order, or the reason why it needs a person.
func (a *Activities) judge(body converter.RawValue, r Receipt) store.Event {
	parsed, err := readEvent(body, r)
	e := store.Event{Event: parsed}
	if err != nil {
		e.Reason = err.Error()
	} else {
		e = store.Read(parsed, a.MaxEventSkew)
	}
	e.Forgotten = a.forgotten(r, time.Now())
	if r.Replay == nil {
		return e
	}
	e.WorkflowID = r.Replay.WorkflowID
	if act := r.Replay.Act; act != nil {
		e.Act = &store.Act{ID: act.ID, Actor: act.Actor, Action: store.ActReplay, Reason: act.Reason, BulkID: act.BulkID, Via: store.ViaAPI}
	}
	return e
}

// forgotten returns why it is unknown whether an event without a row has ended: it is so old that its row would be gone by now. For a younger
// event it returns "". Such old events come from a workflow that somebody resets, or that a sweep starts again, after EVENT_RETENTION.
func (a *Activities) forgotten(r Receipt, now time.Time) string {
	since := latest(r.ReceivedAt, r.RetriedAt)
	if r.Replay != nil {
		since = latest(since, r.Replay.At)
	}
	if a.EventRetention <= 0 || since.IsZero() || now.Sub(since) <= a.EventRetention {
		return ""
	}
	return fmt.Sprintf("it was received at %s, longer ago than EVENT_RETENTION: if it was applied then, no record of that is left. Retry it to apply it anyway, "+
		"which undoes nothing that is newer, or discard it", r.ReceivedAt.UTC().Format(time.RFC3339))
}

// amended returns an amendedError with the event as a person corrected it. The workflow still has the body as received, because the workflow
// could not be replaced while Temporal was away.
func (a *Activities) amended(ctx context.Context, e store.Event) error {
	p, found, err := a.Store.Pending(ctx, e.ID)
	if err != nil || !found {
		return cmp.Or(err, errors.New("the event moved on at the same time"))
	}
	p.RetriedAt = latest(p.RetriedAt, e.RetriedAt)
	corrected := store.Event{Event: p.Event}
	if _, err := inorder.ParseEvent(p.Body); err != nil {
		corrected.Reason = err.Error()
	} else {
		corrected = store.Read(p.Event, a.MaxEventSkew)
	}
	corrected.WorkflowID, corrected.Act = e.WorkflowID, e.Act
	return &amendedError{event: corrected}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (a *Activities) countRepair(ctx context.Context, drift inorder.Drift, e store.Event) {
	if drift == inorder.DriftNone {
		return
	}
	a.Reconcile.Repaired(drift)
	a.Log.InfoContext(ctx, "order repaired", append(telemetry.Attrs(e.Event), "drift", drift)...)
}

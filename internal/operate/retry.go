package operate

import (
	"context"
	"time"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// Retry has the event applied now. A running workflow is signaled, whatever it does, even if its event has ended and it is waking others. A lost
// workflow is started again, from the event's row or from the input of its last run. An event in the inbox becomes due at once.
func (o *Operator) Retry(ctx context.Context, eventID string, by Act) (api.Done, error) {
	return o.try(ctx, eventID, by, func(p place, by Act) (d api.Done, again bool, err error) {
		switch state := p.state(); {
		case state == api.StateInbox:
			d, again, err = o.due(ctx, p, by)
		case state == api.StateEnded && !p.run.Releases():
			err = p.unfit(api.Retry)
		case p.away != nil:
			err = noEngine(p.away, "the event was not retried")
		case p.run.Running:
			d, again, err = o.signal(ctx, p, by)
		default:
			d, again, err = o.startAnew(ctx, p, by)
		}
		d.Action = api.Retry
		return d, again, err
	})
}

func (o *Operator) due(ctx context.Context, p place, by Act) (d api.Done, again bool, err error) {
	found, err := patiently(ctx, func() (bool, error) { return o.Store.DueNow(ctx, p.act(store.ActRetry, "due", by)) })
	if err != nil {
		return d, false, noDatabase(err, "the event was not retried")
	}
	if found && o.Due != nil {
		o.Due()
	}
	return api.Done{Result: "due", Detail: "it is in the inbox, and is applied next"}, !found, nil
}

func (o *Operator) signal(ctx context.Context, p place, by Act) (d api.Done, again bool, err error) {
	act := p.act(store.ActRetry, "signaled", by)
	if err := o.Store.Audit(ctx, act); err != nil {
		return d, false, noDatabase(err, "the event was not retried")
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	alive, err := o.Engine.RetryBy(ctx, p.WorkflowID, by)
	if err != nil {
		return d, false, o.failed(ctx, act, err)
	}
	return api.Done{Result: "signaled", WorkflowID: p.WorkflowID, Detail: "see the event for how it ends, or why it does not"}, !alive, nil
}

// startAnew starts the workflow of an event that lost its own.
func (o *Operator) startAnew(ctx context.Context, p place, by Act) (d api.Done, again bool, err error) {
	e, found, err := o.body(ctx, p)
	if err != nil {
		return d, false, err
	}
	if !found {
		return d, p.recorded, unlessRecorded(p) // the event changed at the same time, or nothing has it any more
	}
	e.RetriedAt = time.Now().UTC()
	p.OrderID = e.OrderID()
	act := p.act(store.ActRetry, "started anew", by)
	if err := o.Store.Audit(ctx, act); err != nil {
		return d, false, noDatabase(err, "the event was not retried")
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	started, err := o.Engine.Revive(ctx, e, p.WorkflowID)
	if err != nil {
		return d, false, o.failed(ctx, act, err)
	}
	return api.Done{Result: "started", WorkflowID: p.WorkflowID, Detail: "its previous workflow is gone"}, !started, nil
}

// failed records that Temporal did not answer to an act that is in the audit already. The act may have been done.
func (o *Operator) failed(ctx context.Context, act store.Act, cause error) error {
	act.ID, act.Result = "", "failed: Temporal did not answer"
	_ = o.Store.Audit(context.WithoutCancel(ctx), act) // the request itself is recorded in any case
	return noEngine(cause, "it is not known whether the event was retried; retrying it again does no harm")
}

// body returns an event that has not ended from its row, or else from the input of its last run.
func (o *Operator) body(ctx context.Context, p place) (e inorder.Event, found bool, err error) {
	const why = "nothing was done"
	switch {
	case p.Phase != "":
		pending, found, err := o.Store.Pending(ctx, p.eventID)
		if err != nil {
			return e, false, noDatabase(err, why)
		}
		return pending.Event, found, nil
	case p.Inbox:
		if e, found, err = o.Store.InboxEvent(ctx, p.eventID); err != nil {
			return e, false, noDatabase(err, why)
		}
		return e, found, nil
	case p.away != nil:
		return e, false, noEngine(p.away, "the event's body is in Temporal alone, so "+why)
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	if e, found, err = o.Engine.Input(ctx, p.run.id()); err != nil {
		return e, false, noEngine(err, "the event's body is in Temporal alone, so "+why)
	}
	return e, found, nil
}

func unlessRecorded(p place) error {
	if p.recorded {
		return nil
	}
	return &UnknownError{EventID: p.eventID}
}

package operate

import (
	"cmp"
	"context"
	"fmt"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// Discard gives the event up, wherever it is. One transaction records its end, writes the audit and removes its other rows. A signal then ends its workflow,
// which finds what was recorded. If Temporal does not answer, the workflow finds it at its next attempt, at the latest when the sweep wakes it.
func (o *Operator) Discard(ctx context.Context, eventID string, by Act) (api.Done, error) {
	return o.try(ctx, eventID, by, func(p place, by Act) (d api.Done, again bool, err error) {
		if p.state() == api.StateEnded {
			done, err := o.discarded(ctx, p, by)
			return done, false, err
		}
		e, found, err := o.body(ctx, p)
		if err != nil {
			return d, false, err
		}
		if !found {
			return d, p.recorded, unlessRecorded(p)
		}
		r, err := o.giveUp(ctx, p, e, by)
		if err != nil {
			return d, false, noDatabase(err, "the event was not discarded")
		}
		if r.Recorded { // it ended at the same time, or this act gave it up before and it was replayed since
			_, acted, err := o.Store.Acted(ctx, by.ID)
			if err != nil {
				return d, false, noDatabase(err, "nothing was done")
			}
			d.Action, d.Result, d.Outcome, d.Detail = api.Discard, "discarded", string(r.Outcome), r.Detail
			return d, !acted, nil
		}
		o.Traffic.Ended(r.Outcome, store.ViaWorkflow, e.ReceivedAt)
		o.Ends.Ended(ctx, e, r.Outcome, store.ViaWorkflow)
		return o.tell(ctx, p, by, r), false, nil
	})
}

func (o *Operator) giveUp(ctx context.Context, p place, received inorder.Event, by Act) (store.Result, error) {
	e := store.ReadToDiscard(received)
	act := p.act(store.ActDiscard, "", by)
	e.Act = &act
	if p.WorkflowID != p.eventID {
		e.WorkflowID = p.WorkflowID
	}
	detail := inorder.Bounded(fmt.Sprintf("%s (by %s)", cmp.Or(by.Reason, "no reason given"), by.Actor))
	return patiently(ctx, func() (store.Result, error) { return o.Store.Discard(ctx, e, detail) })
}

// tell signals the event's workflow, which is waiting for something else, so that it ends.
func (o *Operator) tell(ctx context.Context, p place, by Act, r store.Result) api.Done {
	d := api.Done{Action: api.Discard, Result: "discarded", Outcome: string(r.Outcome), Detail: r.Detail}
	if p.away == nil && !p.run.Running {
		return d
	}
	d.WorkflowID = p.WorkflowID
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	err := p.away
	if err == nil {
		_, err = o.Engine.DiscardBy(ctx, p.WorkflowID, by)
	}
	if err != nil {
		d.Detail += ". Temporal does not answer: the event's workflow ends at its next attempt, or when the sweep wakes it"
	}
	return d
}

// discarded answers a discard of an event that has ended. This very act may have ended it.
func (o *Operator) discarded(ctx context.Context, p place, by Act) (api.Done, error) {
	_, acted, err := o.Store.Acted(ctx, by.ID)
	switch {
	case err != nil:
		return api.Done{}, noDatabase(err, "nothing was done")
	case !acted:
		return api.Done{}, p.unfit(api.Discard)
	}
	return o.tell(ctx, p, by, store.Result{Outcome: inorder.Discarded, Detail: "this same action discarded it before"}), nil
}

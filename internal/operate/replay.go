package operate

import (
	"context"
	"errors"
	"time"

	"inorder"
	"inorder/internal/api"
)

// maxReplays bounds how many replay numbers are tried that Temporal knows and the audit does not.
const maxReplays = 100

// Replay applies an ended event again, from its stored payload, in a workflow of its own and under the same guards: it never undoes anything newer.
// It undoes a discard and an expiry. Replay returns once the workflow has been started; the transaction that applies the event writes to the audit how
// the event had ended before.
func (o *Operator) Replay(ctx context.Context, eventID string, by Act) (api.Done, error) {
	return o.try(ctx, eventID, by, func(p place, by Act) (d api.Done, again bool, err error) {
		if result, acted, err := o.Store.Acted(ctx, by.ID); err != nil {
			return d, false, noDatabase(err, "nothing was done")
		} else if acted {
			return api.Done{Action: api.Replay, Result: "replaying", Detail: "this same action replayed it before: " + result}, false, nil
		}
		if p.state() != api.StateEnded || p.purged() || !p.PayloadRemovedAt.IsZero() {
			return d, false, p.unfit(api.Replay)
		}
		e, found, err := o.Store.Ended(ctx, eventID)
		if err != nil {
			return d, false, noDatabase(err, "nothing was done")
		}
		if !found { // it is being replayed, or its payload was just removed
			return d, true, nil
		}
		if p.away != nil {
			return d, false, noEngine(p.away, "the event was not replayed")
		}
		e.RetriedAt = time.Now().UTC()
		d, err = o.replay(ctx, e, by)
		return d, false, err
	})
}

func (o *Operator) replay(ctx context.Context, e inorder.Event, by Act) (api.Done, error) {
	n, err := o.Store.Replays(ctx, e.ID)
	if err != nil {
		return api.Done{}, noDatabase(err, "nothing was done")
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	for next := n + 1; next <= n+maxReplays; next++ {
		workflowID, started, err := o.Engine.Replay(ctx, e, next, by)
		if refused := (*RefusedError)(nil); errors.As(err, &refused) {
			return api.Done{}, &UnfitError{EventID: e.ID, Why: refused.Error(), Actions: []api.Action{}}
		}
		if err != nil {
			return api.Done{}, noEngine(err, "it is not known whether the event was replayed; replaying it again does no harm")
		}
		if started {
			return api.Done{Action: api.Replay, Result: "replaying", WorkflowID: workflowID, Detail: "the audit says how it had ended before"}, nil
		}
	}
	return api.Done{}, &UnfitError{EventID: e.ID, Why: "a hundred of its replays have had no effect yet: see their workflows", Actions: []api.Action{}}
}

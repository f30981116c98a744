package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// maxBody bounds a corrected body, in bytes. It is below what Temporal accepts as a workflow's input.
const maxBody = 1 << 20

// Amend corrects the body of an event in attention, and has it applied. The event keeps its ID. From then on only the new body is applied,
// whatever its workflow was started with. If Temporal answers, the workflow is replaced; otherwise it takes the new body at its next attempt.
func (o *Operator) Amend(ctx context.Context, eventID string, body json.RawMessage, by Act) (api.Done, error) {
	return o.try(ctx, eventID, by, func(p place, by Act) (d api.Done, again bool, err error) {
		if p.Phase != string(api.StateAttention) {
			return d, false, p.unfit(api.Amend)
		}
		old, found, err := o.Store.Pending(ctx, eventID)
		if err != nil {
			return d, false, noDatabase(err, "nothing was done")
		}
		if !found {
			return d, true, nil
		}
		e, err := correct(old.Event, body)
		if err != nil {
			return d, false, err
		}
		p.OrderID = e.OrderID()
		amended := store.Event{Event: e, Change: inorder.Change{OrderID: p.OrderID}}
		written, err := patiently(ctx, func() (bool, error) {
			return o.Store.Amend(ctx, old.Event, amended, p.act(store.ActAmend, "amended", by))
		})
		switch {
		case store.IsLasting(err):
			return d, false, &InvalidError{Location: "body.body", Message: store.Describe(err)}
		case err != nil:
			return d, false, noDatabase(err, "the event was not amended")
		case !written:
			return d, true, nil
		}
		return o.replace(ctx, p, e), false, nil
	})
}

// correct returns the event with another body.
func correct(old inorder.Event, body json.RawMessage) (inorder.Event, error) {
	invalid := func(format string, args ...any) (inorder.Event, error) {
		return inorder.Event{}, &InvalidError{Location: "body.body", Message: fmt.Sprintf(format, args...)}
	}
	if len(body) > maxBody {
		return invalid("it has %d bytes; at most %d are allowed", len(body), maxBody)
	}
	e, err := inorder.ParseEvent(body)
	if err != nil {
		return invalid("%s", err)
	}
	derived := sha256.Sum256(body) // the ID that ParseEvent gives a body without one
	if e.ID != old.ID && e.ID != hex.EncodeToString(derived[:]) {
		return invalid("it names another event: id must be %s, or be left out", old.ID)
	}
	if e.Type == inorder.TypeReconciled && old.Type != inorder.TypeReconciled {
		return invalid("type %s is only for events that inorder makes itself", e.Type)
	}
	e.ID, e.ReceivedAt, e.RetriedAt = old.ID, old.ReceivedAt, time.Now().UTC()
	return e, nil
}

func (o *Operator) replace(ctx context.Context, p place, e inorder.Event) api.Done {
	d := api.Done{Action: api.Amend, Result: "amended", WorkflowID: p.WorkflowID, Detail: "its workflow restarts with the corrected body"}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	err := p.away
	if err == nil {
		err = o.Engine.Replace(ctx, e, p.WorkflowID)
	}
	if err != nil {
		d.Detail = "Temporal did not take it: retry the event once Temporal answers"
	}
	return d
}

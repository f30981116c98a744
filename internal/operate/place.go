package operate

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/await"
	"inorder/internal/store"
)

// place is where an event stands.
type place struct {
	store.Place
	eventID  string
	recorded bool // PostgreSQL has it
	run      Run  // the newest of its workflow; zero if Temporal has none
	away     error
}

const (
	// engineTimeout is how long Temporal may take to answer one question.
	engineTimeout = 5 * time.Second
	// attempts is how often an action is tried while its event keeps changing at the same time.
	attempts = 5
)

// locate finds out where the event stands. If Temporal does not answer, that is an error only if PostgreSQL does not have the event.
func (o *Operator) locate(ctx context.Context, eventID string) (p place, err error) {
	for range 2 {
		p = place{eventID: eventID}
		if p.Place, p.recorded, err = o.Store.Place(ctx, eventID); err != nil {
			return p, noDatabase(err, "nothing was done")
		}
		p.WorkflowID = cmp.Or(p.WorkflowID, eventID)
		found := false
		p.run, found, p.away = o.describe(ctx, p.WorkflowID)
		p.OrderID = cmp.Or(p.OrderID, p.run.OrderID)
		switch {
		case p.recorded:
			return p, nil
		case p.away != nil:
			return p, noEngine(p.away, "PostgreSQL does not have the event, so nothing was done")
		case !found:
			return p, &UnknownError{EventID: eventID}
		case p.run.Status != "completed": // else it has ended since PostgreSQL was asked
			return p, nil
		}
	}
	return p, nil
}

func (o *Operator) describe(ctx context.Context, workflowID string) (Run, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	return o.Engine.Describe(ctx, workflowID)
}

func (p *place) state() api.State {
	switch {
	case p.Outcome != "":
		return api.StateEnded
	case p.Phase != "":
		return api.State(p.Phase)
	case p.run.Running:
		return api.StateApplying
	case p.Inbox:
		return api.StateInbox
	case p.purged():
		return api.StateEnded
	}
	return api.StateApplying // its run was ended before PostgreSQL took it
}

// purged reports whether the event has ended so long ago that its row is gone.
func (p *place) purged() bool { return !p.recorded && p.run.Status == "completed" }

func (p *place) unfit(action api.Action) error {
	removed := !p.PayloadRemovedAt.IsZero()
	e := &UnfitError{EventID: p.eventID, Actions: Fits(p.state(), p.run.Releases(), removed || p.purged()), Ended: p.state() == api.StateEnded}
	switch {
	case p.purged():
		e.Why = "it ended longer ago than EVENT_RETENTION, so its row was deleted: there is nothing to apply again"
	case action == api.Replay && removed:
		e.Why = fmt.Sprintf("its payload was removed at %s, because PAYLOAD_RETENTION had passed since it ended as %s: there is nothing to apply again",
			p.PayloadRemovedAt.Format(time.RFC3339), p.Outcome)
	case p.Outcome != "":
		e.Why = fmt.Sprintf("it has ended as %s, so %s is not possible", p.Outcome, action)
	default:
		e.Why = fmt.Sprintf("it is %s, so %s is not possible", map[api.State]string{api.StateInbox: "in the inbox", api.StateApplying: "being applied",
			api.StateWaiting: "waiting for its order", api.StateStuck: "waiting for its order", api.StateAttention: "in attention"}[p.state()], action)
	}
	return e
}

// act returns the audit's row for an action.
func (p *place) act(action, result string, by Act) store.Act {
	return store.Act{ID: by.ID, Actor: by.Actor, Action: action, Reason: by.Reason, BulkID: by.BulkID, Via: store.ViaAPI,
		EventID: p.eventID, OrderID: p.OrderID, Result: result}
}

// try calls f with where the event stands, and again while f returns again: then the event changed at the same time.
func (o *Operator) try(ctx context.Context, eventID string, by Act, f func(place, Act) (d api.Done, again bool, err error)) (api.Done, error) {
	by.ID = cmp.Or(by.ID, "act-"+rand.Text())
	for range attempts {
		p, err := o.locate(ctx, eventID)
		if err != nil {
			return api.Done{}, err
		}
		if d, again, err := f(p, by); err != nil || !again {
			d.EventID = eventID
			d.TemporalURL = o.Engine.URL(d.WorkflowID, "")
			return d, err
		}
	}
	return api.Done{}, fmt.Errorf("event %s changed at the same time, %d times in a row", eventID, attempts)
}

// patiently calls f again while the event's order is busy, for about longest.
func patiently[T any](ctx context.Context, f func() (T, error)) (T, error) {
	const longest = 3 * time.Second
	for began := time.Now(); ; {
		r, err := f()
		busy := (*store.BusyError)(nil)
		if !errors.As(err, &busy) || time.Since(began) > longest {
			return r, err
		}
		if err := await.Sleep(ctx, min(busy.ComeBack()+50*time.Millisecond, longest)); err != nil {
			return r, err
		}
	}
}

// noDatabase returns an error about PostgreSQL that says what was not done.
func noDatabase(err error, why string) error {
	if busy := (*store.BusyError)(nil); errors.As(err, &busy) {
		return &UnavailableError{Source: "postgres", Why: "another session has locked the order; " + why, Cause: err}
	}
	if store.IsLasting(err) {
		return errors.New(store.Describe(err))
	}
	return &UnavailableError{Source: "postgres", Why: why, Cause: err}
}

// noEngine returns an error about Temporal that says what was not done.
func noEngine(err error, why string) error {
	return &UnavailableError{Source: "temporal", Why: why, Cause: err}
}

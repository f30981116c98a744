package store

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Event is an event beside what it says about its order.
type Event struct {
	inorder.Event
	Change inorder.Change
	// Reason is why a person must look at the event; "" of one that can be applied. With a reason Change holds the order's ID
	// at most.
	Reason string
	// Forgotten is why a person must look at the event unless a row says what became of it, be it that it waits: it may have ended so long ago that the
	// row is gone. "" of one whose row would still be there.
	Forgotten string
	// Payload stands in for a body that jsonb does not take; nil for the body itself.
	Payload json.RawMessage
	// WorkflowID is the workflow of an event that is replayed; "" for the event's own.
	WorkflowID string
	// Act is what a person did, recorded with what comes of it; nil for nothing. A replay applies an event that has ended, once for each act.
	Act *Act

	bare    bool // see Park
	anyBody bool // see Discard
}

// Read reads what the event says about its order, or the reason why a person must look at it. It may be dated later than
// its receipt, or a person's retry, by as much as maxSkew.
func Read(e inorder.Event, maxSkew time.Duration) Event {
	judgedAt := e.ReceivedAt
	if e.RetriedAt.After(judgedAt) {
		judgedAt = e.RetriedAt
	}
	change, err := e.Change()
	if err != nil {
		return Event{Event: e, Change: inorder.Change{OrderID: e.OrderID()}, Reason: err.Error()}
	}
	if reason := change.Ahead(judgedAt, maxSkew); reason != "" {
		return Event{Event: e, Change: inorder.Change{OrderID: change.OrderID}, Reason: reason}
	}
	return Event{Event: e, Change: change}
}

// lockName is the order's ID, or the event's own where there is no order. The prefix keeps the two apart.
func (e *Event) lockName() string {
	if e.Change.OrderID == "" {
		return "event " + e.ID
	}
	return OrderLock(e.Change.OrderID)
}

// Via is the way that an event came to its end, as webhook_events keeps it.
type Via string

const (
	ViaWorkflow Via = "workflow" // its own
	ViaInbox    Via = "inbox"    // applied beside others, without a workflow
)

// Options say how Apply treats its events. The zero Options are a workflow's, with one event: wait for the order's lock, and
// record where the event stands whatever that is.
type Options struct {
	Via Via // "" is ViaWorkflow

	// SkipLocked leaves out the events of an order that is locked by somebody, and reports them as busy. It does not
	// wait, so a locked order holds up none of the others. Without it Apply waits a fraction of a second for each lock, and one
	// that it does not get is a BusyError, of all events.
	SkipLocked bool

	// OnlyEnds writes nothing for an event that does not end now: one that must wait for its order, or that needs a person. Its
	// result says so.
	OnlyEnds bool

	// Decide is what an event means for its order, of which it is given what the event speaks of: the parts that it tells,
	// or all parts for a reconciled event. It is pure, and not called for an event that has ended. nil is Event.Decide.
	Decide func(Event, inorder.Order) inorder.Decision
}

// Decide is what the event means for its order. One with a reason needs attention.
func (e Event) Decide(o inorder.Order) inorder.Decision {
	if e.Reason != "" {
		return inorder.Decision{Outcome: inorder.Attention, Detail: e.Reason}
	}
	return o.Apply(e.Change)
}

// Result is what became of one event.
type Result struct {
	Outcome inorder.Outcome // "" of an event that is busy
	Detail  string
	// Busy is set if the order is locked by somebody, or a row that the event would change. The event was left out: it is to
	// be tried again. Only SkipLocked has it.
	Busy bool
	// Recorded is set if the event had ended before. The outcome is the one of then, and nothing was written.
	Recorded bool
	// OtherBody is set if the event that ended before had another body than this one, under the same ID.
	OtherBody bool
	// Amended is set if a person has corrected the event's body, which is not this one. The event was left out: see Pending.
	Amended bool
	// Waiters is how many other events wait for the order. They are counted for an event that creates it, also when that was
	// recorded before, and for one that was written as waiting.
	Waiters int
}

// Apply is the dedupe transaction, for one event or for hundreds, in four round trips: begin, a batch that locks and reads,
// a batch that writes, commit. The results stand in the order of the events.
//
// It ends as if the events were applied one after the other, those that may create an order first, and else by their time. Each
// has an outcome and a row of its own; an order and each of its parts are written once. An event that comes twice is
// recorded the second time. An end is a row of webhook_events, written with its effect; an outcome that is no end (waiting,
// stuck, attention) is a row of pending_events.
//
// It may run twice: what has ended is answered as it was recorded, and not written again. What the domain refuses is a
// result, attention with its reason. An error is of all events, and leaves nothing behind, except one of the commit itself, after
// which nobody knows: they are to be applied again. If PostgreSQL refuses the data of one event for good (see IsLasting), it is a
// RefusedError that names it.
func (s *Store) Apply(ctx context.Context, events []Event, o Options) ([]Result, error) {
	o.Via = cmp.Or(o.Via, ViaWorkflow)
	if o.Decide == nil {
		o.Decide = Event.Decide
	}
	t := newTransaction(events, o)
	order := "" // whose line it stands in: one of several orders has a connection for all of them, and one that skips waits for nobody
	if len(events) == 1 && !o.SkipLocked {
		order = events[0].Change.OrderID
	}
	err := s.inLine(ctx, order, func(tx pgx.Tx) error {
		if err := t.read(ctx, tx); err != nil {
			return err
		}
		t.decide()
		return t.write(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(t.entries))
	for i := range t.entries {
		results[i] = t.entries[i].Result
	}
	return results, nil
}

// applyOne is Apply of a single event that waits for its lock.
func (s *Store) applyOne(ctx context.Context, e Event, decide func(Event, inorder.Order) inorder.Decision) (Result, error) {
	results, err := s.Apply(ctx, []Event{e}, Options{Decide: decide})
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// Park records that a person must look at an event whose data PostgreSQL refused: with what it takes of it, and the body as
// received. An event that has ended stays as it ended.
func (s *Store) Park(ctx context.Context, e Event, reason string) (r Result, err error) {
	e.Reason, e.Change = reason, inorder.Change{OrderID: e.Change.OrderID}
	for _, e.bare = range []bool{false, true} {
		if r, err = s.applyOne(ctx, e, nil); !IsLasting(err) {
			break
		}
	}
	return r, err
}

// inLine runs f in a transaction, in the order's line: see gate. Without an order there is no line.
func (s *Store) inLine(ctx context.Context, order string, f func(pgx.Tx) error) error {
	run := func() error { return s.inTransaction(ctx, f) }
	if order != "" {
		return s.gate.pass(ctx, order, run)
	}
	err := run()
	if isLockTimeout(err) {
		return &BusyError{cause: err}
	}
	return err
}

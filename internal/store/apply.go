package store

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Event is an event with what it says about its order.
type Event struct {
	inorder.Event
	Change inorder.Change
	// Reason is why a person must look at the event; "" if it can be applied. With a Reason, Change holds the order's ID
	// at most.
	Reason string
	// Forgotten is why a person must look at the event if no row says that it has ended or waits: it may have ended so
	// long ago that its row was deleted. "" if the row would still be there.
	Forgotten string
	// Payload is stored in place of a body that jsonb does not accept; nil means the body itself.
	Payload json.RawMessage
	// WorkflowID is the workflow of the event's replay; "" means the event's own.
	WorkflowID string
	// Act is what a person did, recorded with its result; nil for nothing. A replay applies an event that has ended, once per act.
	Act *Act

	bare    bool // see Park
	anyBody bool // see Discard
}

// Read returns the event with what it says about its order, or with the reason why a person must look at it. The
// event may be dated up to maxSkew later than its receipt or a person's retry, whichever is later.
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

// lockName names the event's lock: its order's, or its own if it has no order. The prefix keeps the two apart.
func (e *Event) lockName() string {
	if e.Change.OrderID == "" {
		return "event " + e.ID
	}
	return OrderLock(e.Change.OrderID)
}

// Via is the way in which an event ended, as webhook_events records it.
type Via string

const (
	ViaWorkflow Via = "workflow" // in its own workflow
	ViaInbox    Via = "inbox"    // applied beside others, without a workflow
)

// Options say how Apply treats its events. The zero Options suit a workflow with its one event: Apply waits for the
// order's lock, and records where the event stands, whatever that is.
type Options struct {
	Via Via // "" is ViaWorkflow

	// SkipLocked skips the events of an order that somebody else has locked, and reports them as Busy. Apply does not
	// wait then, so a locked order holds up none of the others. Without SkipLocked, Apply waits a fraction of a second
	// for each lock; if it does not get one, it returns a BusyError for all events.
	SkipLocked bool

	// OnlyEnds writes nothing for an event that does not end now, because it must wait for its order or needs a person.
	// Its Result says so.
	OnlyEnds bool

	// Decide returns what an event means for its order. The order has at least the parts that the event carries, or all parts
	// for a reconciled event. Decide must be pure, and is not called for an event that has ended. nil means Event.Decide.
	Decide func(Event, inorder.Order) inorder.Decision
}

// Decide returns what the event means for its order. An event with a Reason needs attention.
func (e Event) Decide(o inorder.Order) inorder.Decision {
	if e.Reason != "" {
		return inorder.Decision{Outcome: inorder.Attention, Detail: e.Reason}
	}
	return o.Apply(e.Change)
}

// Result is what became of one event.
type Result struct {
	Outcome inorder.Outcome // "" if the event is Busy or Amended
	Detail  string
	// Busy reports that another transaction holds the order's lock or a row that the event would change. The event was
	// skipped; apply it again later. Busy is set only with SkipLocked.
	Busy bool
	// Recorded reports that the event had ended before. Outcome is how it ended then; the order and the event's row were not
	// written.
	Recorded bool
	// OtherBody reports that the event that had ended before has the same ID but another body.
	OtherBody bool
	// Amended reports that a person has corrected the event's body, which is not this one. The event was skipped: see Pending.
	Amended bool
	// Elsewhere reports that the event waits, or needs a person, in another workflow, which its row names. The row was not written.
	Elsewhere bool
	// Waiters is how many other events wait for the order. It is counted for an event that creates the order, even if
	// that was recorded before, and, up to 10,000, for an event that was written to pending_events.
	Waiters int
}

// Apply is the dedupe transaction, for one event or for hundreds, in four round trips: begin, a batch that locks and
// reads, a batch that writes, commit. The results are in the order of the events.
//
// It ends as if the events were applied one after the other: those that may create an order first, and otherwise by
// time. Each event gets an outcome and a row of its own; an order and each of its parts are written once. An event
// that comes twice is Recorded the second time. An event that ends gets a row of webhook_events, written with its
// effect. An event that does not end (waiting, stuck, attention) gets a row of pending_events.
//
// Apply may run twice: for an event that has ended it returns the recorded outcome, and writes neither the order
// nor the event's row. What the domain refuses is a result: attention, with its reason. An error concerns all events
// and leaves nothing behind, except an error of the commit itself. Then the result is unknown, and the events must be
// applied again. If PostgreSQL refuses the data of one event for good (see IsLasting), the error is a RefusedError that
// names the event.
func (s *Store) Apply(ctx context.Context, events []Event, o Options) ([]Result, error) {
	o.Via = cmp.Or(o.Via, ViaWorkflow)
	if o.Decide == nil {
		o.Decide = Event.Decide
	}
	t := newTransaction(events, o)
	order := "" // whose line to stand in: a batch has one connection for all of its orders, and SkipLocked waits for nobody
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

// applyOne applies a single event, and waits for its lock.
func (s *Store) applyOne(ctx context.Context, e Event, decide func(Event, inorder.Order) inorder.Decision) (Result, error) {
	results, err := s.Apply(ctx, []Event{e}, Options{Decide: decide})
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

// Park records that a person must look at an event whose data PostgreSQL refused. It stores the body as received, and
// of the rest what PostgreSQL accepts. An event that has ended stays as it ended.
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

package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// transaction holds the events of one transaction, what is known of their orders, and what to write. Between reading
// and writing it is pure.
type transaction struct {
	Options
	entries []entry  // in the order in which they were given
	locks   []string // by name, sorted; with SkipLocked, once read, those that were granted
	known   Orders   // as it was read, and then as it is after each event

	ended   []*entry                    // events that end now
	parked  []*entry                    // events that don't
	changed map[string]inorder.Decision // the last decision on each order that must be written
	parts   []inorder.PartKey           // that must be written
	drained *Drained                    // what became of the rows of a batch from the inbox; else nil
}

// entry is one event of a transaction, and what became of it.
type entry struct {
	Event
	Result
	hash    []byte // SHA-256 of the body
	waits   bool   // it has a row of pending_events
	waiting bool   // that row says that it waits for its order
	heldBy  string // the workflow that this row names
	amended []byte // SHA-256 of the body that a person gave it; nil if nobody did
	// How often its row of the inbox has come up. If that is more than once, it may have a workflow that was not woken.
	attempts int
	acted    bool    // its act was done before
	former   *former // how a replayed event had ended
	kept     bool    // it stays as it had ended
}

func newTransaction(events []Event, o Options) *transaction {
	t := &transaction{Options: o, entries: make([]entry, len(events)), locks: make([]string, len(events)), known: newOrders(),
		changed: map[string]inorder.Decision{}}
	for i, e := range events {
		sum := sha256.Sum256(e.Body)
		t.entries[i] = entry{Event: e, hash: sum[:]}
		t.locks[i] = e.lockName()
	}
	slices.Sort(t.locks)
	t.locks = slices.Compact(t.locks)
	return t
}

// read takes one round trip. The locks come first, so that the reads see everything committed under them.
func (t *transaction) read(ctx context.Context, tx pgx.Tx) error {
	b := &pgx.Batch{}
	if t.SkipLocked {
		t.queueTryLocks(b)
	} else {
		b.Queue(lockSQL, t.locks)
	}
	t.queueEvents(b)
	t.queueActs(b)
	t.queueFormer(b)
	var orders, whole []string
	var parts []inorder.PartKey
	for i := range t.entries {
		e := &t.entries[i]
		if e.Change.OrderID == "" || e.anyBody { // a discard needs nothing of the order, and must work even if that can't be read
			continue
		}
		orders = append(orders, e.Change.OrderID)
		if e.Type == inorder.TypeReconciled { // it is compared with all that the platform has of the order
			whole = append(whole, e.Change.OrderID)
		}
		parts = append(parts, e.partKeys()...)
	}
	t.known.queue(b, orders, whole, parts)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	t.reopen()
	return nil
}

func (e *Event) partKeys() []inorder.PartKey {
	if len(e.Change.Parts) == 0 {
		return nil
	}
	keys := make([]inorder.PartKey, len(e.Change.Parts))
	for i, p := range e.Change.Parts {
		keys[i] = p.Key()
	}
	return keys
}

// decide decides each event on what is known after the event before it.
func (t *transaction) decide() {
	for _, e := range t.sequence() {
		before := slices.IndexFunc(t.ended, e.isSame) // an earlier event with the same ID
		switch {
		case e.Recorded:
		case t.isBusy(e):
			e.Result = Result{Busy: true}
		case before >= 0:
			e.Result = t.ended[before].Result
			e.Recorded, e.OtherBody = true, !bytes.Equal(e.hash, t.ended[before].hash)
		case e.gaveUp():
			e.Outcome, e.Detail, e.Recorded = inorder.Discarded, "it was given up, and replayed since", true
		case e.amended != nil && !e.anyBody && !bytes.Equal(e.amended, e.hash):
			e.Result = Result{Amended: true}
		case e.Forgotten != "" && !e.waiting && e.former == nil && !e.anyBody:
			e.Reason = e.Forgotten
			t.applyAs(e, inorder.Decision{Outcome: inorder.Attention, Detail: e.Reason})
		default:
			t.applyAs(e, t.Decide(e.Event, t.known.Order(e.Change.OrderID, e.partKeys())))
		}
	}
}

func (e *entry) isSame(other *entry) bool { return e.ID == other.ID }

// sequence returns the events in the order in which they are applied: creators first, so that no event waits for
// another of its transaction, then by time, so that most of them apply.
func (t *transaction) sequence() []*entry {
	list := make([]*entry, len(t.entries))
	for i := range t.entries {
		list[i] = &t.entries[i]
	}
	slices.SortStableFunc(list, func(a, b *entry) int {
		switch {
		case a.Change.Creates == b.Change.Creates:
			return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.ID, b.ID))
		case a.Change.Creates:
			return -1
		}
		return 1
	})
	return list
}

func (t *transaction) isBusy(e *entry) bool {
	if !t.SkipLocked {
		return false
	}
	_, granted := slices.BinarySearch(t.locks, e.lockName())
	return !granted
}

// applyAs notes what the decision changes.
func (t *transaction) applyAs(e *entry, d inorder.Decision) {
	e.Outcome, e.Detail = d.Outcome, d.Detail
	t.parked = slices.DeleteFunc(t.parked, e.isSame) // of several with one ID the last one counts
	_, orderKnown := t.known.orders[e.Change.OrderID]
	switch {
	case e.staysApplied(d, orderKnown):
		e.kept, e.Outcome, e.Detail = true, e.former.Outcome, e.former.Detail
	case d.Outcome == inorder.Waiting, d.Outcome == inorder.Stuck, d.Outcome == inorder.Attention:
		switch {
		case t.OnlyEnds:
		case e.isHeldElsewhere():
			e.Elsewhere, e.Detail = true, "its workflow is "+e.heldBy
		default:
			t.parked = append(t.parked, e)
		}
		return
	default:
		t.ended = append(t.ended, e)
	}
	if d.Outcome == inorder.Applied {
		before := t.changed[d.Order.ID] // by an earlier event of this transaction
		d.Created, d.NewSnapshot = d.Created || before.Created, d.NewSnapshot || before.NewSnapshot
		t.changed[d.Order.ID] = d
		t.known.set(d.Order)
	}
	for _, p := range d.NewParts { // even of a stale event: parts that are kept but don't count
		t.known.addPart(p)
		t.parts = append(t.parts, p.Key())
	}
}

// write takes one round trip, with a statement for each row of an event or an order. Arrays would make one event cost a quarter more,
// and save nothing for hundreds. All transactions write the tables in the same order, and the rows of each table in the order of their
// keys, so that they don't deadlock. With SkipLocked only two things are left to wait for: a key that somebody else is inserting, and
// a table that is locked as a whole. It waits a fraction of a second; then all of it fails, from Apply with a BusyError.
func (t *transaction) write(ctx context.Context, tx pgx.Tx) error {
	b, inserted := &pgx.Batch{}, 0
	t.queueEnds(b, &inserted)
	t.queueParked(b)
	t.queueOrders(b)
	t.queueParts(b)
	t.queueInbox(b)
	t.queueAudit(b)
	if b.Len() == 0 {
		return nil
	}
	err := tx.SendBatch(ctx, b).Close()
	if IsLasting(err) && inserted < len(t.ended) {
		return &RefusedError{EventID: t.ended[inserted].ID, cause: err}
	}
	return err
}

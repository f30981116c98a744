package inorder

import (
	"cmp"
	"slices"
	"time"
)

// Outcome is how an event ended, as webhook_events records it. Waiting, Stuck and Attention are phases of an event
// that has not ended; pending_events records those.
type Outcome string

const (
	Applied   Outcome = "applied"   // it changed its order
	Stale     Outcome = "stale"     // something newer was known about everything that it says
	Ignored   Outcome = "ignored"   // it says nothing that the orders table keeps
	Discarded Outcome = "discarded" // an operator gave it up
	Expired   Outcome = "expired"   // its order never came

	Waiting   Outcome = "waiting"   // for its order to be created
	Stuck     Outcome = "stuck"     // waiting, for longer than is normal
	Attention Outcome = "attention" // a person must look at it
)

// Order is what is known of one order. The zero Order is a missing one.
//
// Every aspect is a last-writer-wins register: it carries the time of the event that set it, and an event changes
// only the aspects for which it is newer.
type Order struct {
	ID                                       string
	StoreID                                  string // set by the first event that names one; never changes
	Status, PaymentStatus, FulfillmentStatus Aspect
	Snapshot                                 Snapshot
	// Parts are the parts that a decision needs: those that the event carries, or all for a reconciled event and for
	// Compare. The store loads only those.
	Parts map[PartKey]Part

	// Listed is, by kind of part, the time of the newest full order that lists all parts of that kind. A kind that was
	// never listed is absent; nil is the same as empty.
	Listed map[string]time.Time

	LastWebhookAt time.Time // the time of the newest event that changed anything; no time in Listed is later
}

// Aspect is one status of an order and the time of the event that set it.
type Aspect struct {
	Value string
	At    time.Time
}

// Decision is what a change means for its order.
type Decision struct {
	Outcome Outcome // Applied, Stale, Ignored, Waiting, or Attention for another store's order or another order's part
	Detail  string  // why, for people: what a stale event lost against, what a waiting one waits for
	Order   Order   // after the change

	Created     bool   // the order was missing, and is not now
	NewSnapshot bool   // Order.Snapshot is the change's
	NewParts    []Part // the change's parts that must be stored, even if the event is stale: see Apply
}

// utc formats a time for people, in UTC wherever the process runs.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// compare orders two values of an aspect by time, then place in the lifecycle, then spelling.
func (a Aspect) compare(b Aspect, lifecycle []string) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(lifecycle, a.Value), rank(lifecycle, b.Value)), cmp.Compare(a.Value, b.Value))
}

func (s Snapshot) compare(b Snapshot) int {
	return cmp.Or(s.At.Compare(b.At), cmp.Compare(s.Rank, b.Rank), cmp.Compare(s.EventID, b.EventID))
}

// A value's rank is its place in its lifecycle. Between two values of the same time the one further along wins, so
// that any order of arrival ends the same. Unknown values rank 0, below every known one.
var (
	statuses            = []string{"draft", "pending", "confirmed", "processing", "completed", "cancelled"}
	paymentStatuses     = []string{"unpaid", "awaiting_payment", "partially_paid", "paid", "partially_refunded", "refunded"}
	fulfillmentStatuses = []string{"unfulfilled", "partially_fulfilled", "fulfilled", "returned"}

	partStatuses = map[string][]string{
		"payment":     {"pending", "failed", "cancelled", "completed", "refunded"},
		"fulfillment": {"pending", "shipped", "delivered", "cancelled"},
		"refund":      {"pending", "failed", "completed"},
		"return":      {"requested", "approved", "rejected", "received", "completed", "cancelled"},
	}
)

func rank(lifecycle []string, value string) int { return slices.Index(lifecycle, value) + 1 }

func partRank(kind, status string) int { return rank(partStatuses[kind], status) }

// snapshotRank orders full orders of the same time: by status, then payment, then fulfillment.
func snapshotRank(status, payment, fulfillment string) int {
	return rank(statuses, status)*100 + rank(paymentStatuses, payment)*10 + rank(fulfillmentStatuses, fulfillment)
}

// Package reconcile compares our orders with the platform's: a page of them, one, or all. It only reads. It reports
// which orders drifted and which event would repair each of them; the caller starts those events.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"inorder"
	"inorder/internal/platform"
	"inorder/internal/store"
)

// Comparer compares orders with the platform's.
type Comparer struct {
	Store    *store.Store
	Platform *platform.Client
	Metrics  *Metrics
}

// Compared is an order that was compared with the platform's.
type Compared struct {
	OrderID string // "" if it has no valid ID
	Where   string // names an order without an ID, by its place in a listing
	inorder.Comparison
	Problem string // why it could not be compared; then ignore the Comparison
}

// Drifted reports whether the order differs from the platform's, or may differ because it could not be compared.
func (c Compared) Drifted() bool { return c.Problem != "" || c.Drift != inorder.DriftNone }

// WhyUnrepaired returns why no event would repair the order; "" if its Repair would, or if there is nothing to repair.
func (c Compared) WhyUnrepaired() string { return cmp.Or(c.Problem, c.Unrepairable) }

// String returns in words why the order cannot be repaired, or else what differs. For a missing order it returns what
// the platform has.
func (c Compared) String() string {
	if why := c.WhyUnrepaired(); why != "" {
		return why
	}
	if c.Drift == inorder.DriftMissing {
		return inShort(c.Repair)
	}
	texts := make([]string, len(c.Differences))
	for i, d := range c.Differences {
		texts[i] = d.String()
	}
	return strings.Join(texts, "; ")
}

// inShort returns the statuses, the total and the parts that a repair sets.
func inShort(repair inorder.Event) string {
	change, _ := repair.Change() // no error: Compare has read it
	text := []string{change.Status, change.PaymentStatus, change.FulfillmentStatus}
	if s := change.Snapshot; s.TotalAmount != nil {
		text = append(text, strings.TrimSpace(fmt.Sprintf("%d %s", *s.TotalAmount, s.Currency)))
	}
	for _, part := range change.Parts {
		text = append(text, part.Kind+" "+part.Status)
	}
	return strings.Join(text, ", ")
}

// ErrNoDate says that the platform's answer has no time: then it is not known which state is newer.
var ErrNoDate = errors.New("the platform's answer has no Date header, and without its time an order cannot be compared; " +
	"a proxy in between (HEADLESS_COMMERCE_API_URL) must pass the header on")

// Order compares one order by its ID. The result has a Problem if the platform does not know the order, refuses to
// show it, or shows what can't be read. An error, such as ErrNoDate, may be temporary.
func (c Comparer) Order(ctx context.Context, id string) (Compared, error) {
	problem := func(why string) (Compared, error) { return Compared{OrderID: id, Problem: Shortened(why)}, nil }
	o, err := c.Platform.GetOrder(ctx, id)
	switch {
	case platform.IsNotFound(err):
		return problem("the platform does not know it in " + string(c.Platform.Mode()) + " mode")
	case platform.IsLasting(err):
		return problem(err.Error())
	case err != nil:
		return Compared{}, fmt.Errorf("get order %s from the platform: %w", id, err)
	case o.ID != id:
		return problem("the platform answers with another order")
	}
	list, err := c.compare(ctx, []platform.Order{o})
	if err != nil {
		return Compared{}, err
	}
	list[0].OrderID = id
	return list[0], nil
}

// compare compares each order by itself. An order that can't be read has a Problem; the others are compared nevertheless.
func (c Comparer) compare(ctx context.Context, theirs []platform.Order) ([]Compared, error) {
	list, parts := make([]Compared, len(theirs)), make([][]inorder.PartKey, len(theirs))
	var ids []string
	for i, o := range theirs {
		if o.AsOf.IsZero() {
			return nil, ErrNoDate
		}
		list[i], parts[i] = read(o)
		if list[i].Problem == "" {
			ids = append(ids, o.ID)
		}
	}
	c.Metrics.compared.Add(float64(len(list)))
	known, err := c.Store.ReadOrders(ctx, ids, slices.Concat(parts...))
	if err != nil {
		return nil, fmt.Errorf("read the orders to compare: %w", err)
	}
	for i, o := range theirs {
		if list[i].Problem != "" {
			continue
		}
		ours := known.Order(o.ID, parts[i])
		list[i].Comparison, err = ours.Compare(o.Raw, asOf(o.Reading), cmp.Or(ours.StoreID, known.Store(o.ID)))
		switch e := list[i].Repair; {
		case err != nil:
			list[i].Problem = unreadable(err)
		case len(e.Body) > maxEvent:
			list[i].Problem = fmt.Sprintf("its JSON has %d bytes, and an event may have at most %d", len(e.Body), maxEvent)
		}
	}
	return list, c.findDeleted(ctx, list)
}

// maxEvent, in bytes, leaves room for what Temporal keeps beside an event: it refuses inputs over 2 MiB.
const maxEvent = 1_900_000

// asOf returns the time that the platform's answer is dated: its Date, less the whole seconds that it took to come. A time
// that is too late would let an older state win over a newer event; one that is too early leaves a drift to the next comparison.
func asOf(r platform.Reading) time.Time { return r.AsOf.Add(-r.Took.Truncate(time.Second)) }

// read reads an order as its repair would be read, and returns the keys of its parts. An ID that the domain does not
// accept, such as a number or an endless text, counts as none.
func read(o platform.Order) (c Compared, parts []inorder.PartKey) {
	e := inorder.Event{Type: inorder.TypeReconciled, OccurredAt: o.AsOf, Data: o.Raw}
	if id := e.OrderID(); id == o.ID {
		c.OrderID = id
	}
	change, err := e.Change()
	switch {
	case err != nil:
		c.Problem = unreadable(err)
	case change.OrderID != o.ID:
		c.Problem = "the platform's answer names another order"
	default:
		for _, p := range change.Parts {
			parts = append(parts, p.Key())
		}
	}
	return c, parts
}

// findDeleted marks the missing orders whose repair has been applied before: somebody has deleted their rows since,
// and the repair would be taken for a duplicate.
func (c Comparer) findDeleted(ctx context.Context, list []Compared) error {
	missing := map[string]int{}
	for i, o := range list {
		if o.Problem == "" && o.Drift == inorder.DriftMissing {
			missing[o.Repair.ID] = i
		}
	}
	if len(missing) == 0 {
		return nil
	}
	ends, err := c.Store.Ends(ctx, slices.Collect(maps.Keys(missing)))
	for _, e := range ends {
		list[missing[e.EventID]].Unrepairable = fmt.Sprintf("its repair %s has already ended as %s, yet the order is missing; "+
			"if somebody deleted the order, delete the repair's row in webhook_events too", e.EventID, e.Outcome)
	}
	return err
}

func unreadable(err error) string {
	return Shortened("the platform's answer cannot be read: " + err.Error())
}

const maxText = 300 // characters

// Shortened returns the first 300 characters of a text, followed by "…" if it has more. It is for texts that are made
// from the platform's words, which workflows carry and people read.
func Shortened(s string) string { return inorder.Cut(s, maxText) }

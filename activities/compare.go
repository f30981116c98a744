package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"inorder"
	"inorder/internal/platform"
	"inorder/internal/store"
)

// Comparer compares orders with the platform's, and changes nothing.
type Comparer struct {
	DB       DB
	Store    *store.Store
	Platform *platform.Client
}

// Compared is an order beside the platform's.
type Compared struct {
	OrderID string
	inorder.Comparison
	Problem string // why it could not be compared; the Comparison then says nothing
}

// Differs reports whether there is anything to tell of it.
func (c Compared) Differs() bool { return c.Problem != "" || c.Found != inorder.FoundSame }

// errNoDate stops a reconciliation: without the time of the platform's look nobody can tell what is newer.
var errNoDate = errors.New("the platform's answer has no Date header: an order cannot be reconciled without the time of the platform's look; " +
	"if a proxy is in between (HEADLESS_COMMERCE_API_URL), let it pass the header on")

// Listed compares one page of a listing. next is the cursor of the next page, "" after the last.
func (c Comparer) Listed(ctx context.Context, f platform.OrderFilter) (page []Compared, next string, err error) {
	listed, err := c.Platform.ListOrders(ctx, f)
	if err != nil {
		return nil, "", fmt.Errorf("list the platform's orders: %w", err)
	}
	if listed.HasMore && (listed.NextCursor == "" || listed.NextCursor == f.StartingAfter) {
		return nil, "", errors.New("list the platform's orders: a page says has_more without a new next_cursor: the list is incomplete")
	}
	if listed.HasMore {
		next = listed.NextCursor
	}
	page, err = c.compare(ctx, listed.Data)
	return page, next, err
}

// Order compares one order by its ID. One that the platform does not know has a Problem.
func (c Comparer) Order(ctx context.Context, id string) (Compared, error) {
	o, err := c.Platform.GetOrder(ctx, id)
	switch {
	case platform.IsNotFound(err):
		return Compared{OrderID: id, Problem: notThere(c.Platform)}, nil
	case err != nil:
		return Compared{}, fmt.Errorf("get order %s from the platform: %w", id, err)
	case o.ID != id:
		return Compared{OrderID: id, Problem: "the platform answers with another order"}, nil
	}
	list, err := c.compare(ctx, []platform.Order{o})
	if err != nil {
		return Compared{}, err
	}
	return list[0], nil
}

func notThere(c *platform.Client) string {
	return "the platform does not know it in " + string(c.Mode()) + " mode"
}

// asOf is the time that the platform's answer is given: its Date, less the whole seconds that it took to come. A time
// that is too late would let an older state beat a newer event; one that is too early leaves a difference to the next look.
func asOf(r platform.Reading) time.Time { return r.AsOf.Add(-r.Took.Truncate(time.Second)) }

func (c Comparer) compare(ctx context.Context, theirs []platform.Order) ([]Compared, error) {
	ids, parts := make([]string, len(theirs)), make([][]inorder.PartKey, len(theirs))
	for i, o := range theirs {
		if o.AsOf.IsZero() {
			return nil, errNoDate
		}
		ids[i] = o.ID
		change, _ := inorder.Event{Type: inorder.TypeReconciled, OccurredAt: o.AsOf, Data: o.Raw}.Change() // its error is told below
		for _, p := range change.Parts {
			parts[i] = append(parts[i], p.Key())
		}
	}
	known, err := c.Store.ReadOrders(ctx, ids, slices.Concat(parts...))
	if err != nil {
		return nil, fmt.Errorf("read the orders to compare: %w", err)
	}
	list := make([]Compared, len(theirs))
	for i, o := range theirs {
		list[i] = Compared{OrderID: o.ID}
		ours := known.Order(o.ID, parts[i])
		list[i].Comparison, err = ours.Compare(o.Raw, asOf(o.Reading), cmp.Or(ours.StoreID, known.Store(o.ID)))
		switch e := list[i].Event; {
		case err != nil:
			list[i].Problem = "the platform's answer cannot be read: " + err.Error()
		case e.OrderID() != o.ID:
			list[i].Problem = "the platform's answer names another order"
		case len(e.Body) > maxEvent:
			list[i].Problem = fmt.Sprintf("its JSON has %d bytes, and an event may have %d", len(e.Body), maxEvent)
		}
	}
	compared.Add(float64(len(list)))
	return list, c.markRepaired(ctx, list)
}

// markRepaired tells the orders that are missing although the event that creates them was applied: only somebody who
// deletes rows makes such, and the event's ID would be taken for a duplicate.
func (c Comparer) markRepaired(ctx context.Context, list []Compared) error {
	missing := map[string]int{}
	for i, o := range list {
		if o.Problem == "" && o.Found == inorder.FoundMissing {
			missing[o.Event.ID] = i
		}
	}
	if len(missing) == 0 {
		return nil
	}
	ends, err := c.Store.Ends(ctx, slices.Collect(maps.Keys(missing)))
	for _, e := range ends {
		list[missing[e.EventID]].Unrepairable = fmt.Sprintf("its event %s is %s already, and yet the order is missing; "+
			"if somebody deleted it, delete that event's row in webhook_events too", e.EventID, e.Outcome)
	}
	return err
}

// maxEvent leaves room for what Temporal keeps beside an event: it refuses inputs over 2 MiB.
const maxEvent = 1_900_000

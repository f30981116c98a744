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
	OrderID string // "" if it has none that an order can have
	Where   string // names an order without an ID, by its place in the listing
	inorder.Comparison
	Problem string // why it could not be compared; the Comparison then says nothing
}

// Name is how a person finds it.
func (c Compared) Name() string {
	if c.OrderID == "" {
		return c.Where
	}
	return "order " + c.OrderID
}

// Differs reports whether there is anything to tell of it.
func (c Compared) Differs() bool { return c.Problem != "" || c.Found != inorder.FoundSame }

// errNoDate stops a reconciliation: without the time of the platform's look nobody can tell what is newer.
var errNoDate = errors.New("the platform's answer has no Date header: an order cannot be reconciled without the time of the platform's look; " +
	"if a proxy is in between (HEADLESS_COMMERCE_API_URL), let it pass the header on")

// Order compares one order by its ID. What the platform does not know, refuses to show or shows unreadably is the order's
// Problem; an error is what may pass.
func (c Comparer) Order(ctx context.Context, id string) (Compared, error) {
	o, err := c.Platform.GetOrder(ctx, id)
	switch {
	case platform.IsNotFound(err):
		return Compared{OrderID: id, Problem: notThere(c.Platform)}, nil
	case platform.IsLasting(err):
		return Compared{OrderID: id, Problem: shortened(err.Error())}, nil
	case err != nil:
		return Compared{}, fmt.Errorf("get order %s from the platform: %w", id, err)
	case o.ID != id:
		return Compared{OrderID: id, Problem: "the platform answers with another order"}, nil
	}
	list, err := c.compare(ctx, []platform.Order{o})
	if err != nil {
		return Compared{}, err
	}
	list[0].OrderID = id
	return list[0], nil
}

func notThere(c *platform.Client) string {
	return "the platform does not know it in " + string(c.Mode()) + " mode"
}

// asOf is the time that the platform's answer is given: its Date, less the whole seconds that it took to come. A time
// that is too late would let an older state beat a newer event; one that is too early leaves a difference to the next look.
func asOf(r platform.Reading) time.Time { return r.AsOf.Add(-r.Took.Truncate(time.Second)) }

// compare compares each order for itself: one that cannot be read has a Problem, and takes no part in what is read of ours.
func (c Comparer) compare(ctx context.Context, theirs []platform.Order) ([]Compared, error) {
	list, parts := make([]Compared, len(theirs)), make([][]inorder.PartKey, len(theirs))
	var ids []string
	for i, o := range theirs {
		if o.AsOf.IsZero() {
			return nil, errNoDate
		}
		list[i], parts[i] = readable(o)
		if list[i].Problem == "" {
			ids = append(ids, o.ID)
		}
	}
	compared.Add(float64(len(list)))
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
		switch e := list[i].Event; {
		case err != nil:
			list[i].Problem = unreadable(err)
		case len(e.Body) > maxEvent:
			list[i].Problem = fmt.Sprintf("its JSON has %d bytes, and an event may have %d", len(e.Body), maxEvent)
		}
	}
	return list, c.markRepaired(ctx, list)
}

// readable reads an order as its event would be read, and gives the parts that it holds. The ID is the domain's: what that
// takes for none, such as a number, an empty or an endless text, is none here.
func readable(o platform.Order) (Compared, []inorder.PartKey) {
	e := inorder.Event{Type: inorder.TypeReconciled, OccurredAt: o.AsOf, Data: o.Raw}
	c := Compared{}
	if id := e.OrderID(); id == o.ID {
		c.OrderID = id
	}
	change, err := e.Change()
	switch {
	case err != nil:
		c.Problem = unreadable(err)
	case change.OrderID != o.ID:
		c.Problem = "the platform's answer names another order"
	}
	if c.Problem != "" {
		return c, nil
	}
	var parts []inorder.PartKey
	for _, p := range change.Parts {
		parts = append(parts, p.Key())
	}
	return c, parts
}

func unreadable(err error) string {
	return shortened("the platform's answer cannot be read: " + err.Error())
}

// maxText bounds a text that is made of the platform's words, in characters: it is kept in histories, and shown.
const maxText = 300

func shortened(s string) string {
	n := 0
	for i := range s {
		if n == maxText {
			return s[:i] + "…"
		}
		n++
	}
	return s
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

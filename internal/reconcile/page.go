package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"inorder/internal/platform"
)

// Cursor is where a reconciliation stands: in which of the platform's listings, and where in it. The zero Cursor is the
// beginning.
type Cursor struct {
	Listing int `json:"listing"`
	platform.Trail
}

// Page is a page of one of the listings, compared.
type Page struct {
	Orders  []Compared
	Next    *Cursor // nil after the last page of the last listing
	Stopped string  // why the listing ends here, though the platform has more of it; Next then begins the next listing, or is nil
}

// openStatuses come in the order of an order's life, so that an order that moves on while they are listed is met twice
// rather than never.
var openStatuses = []string{"draft", "pending", "confirmed", "processing"}

// listings returns which of the platform's orders are compared: those created since, and the older ones that are open
// there. The two overlap by a second, because the platform does not document whether its bounds are inclusive.
func listings(since time.Time) []platform.OrderFilter {
	list := []platform.OrderFilter{{CreatedAfter: since}}
	for _, status := range openStatuses {
		list = append(list, platform.OrderFilter{Status: status, CreatedBefore: since.Add(time.Second)})
	}
	return list
}

// pageSize is the most that the platform gives.
const pageSize = 100

// Page compares the page at a cursor. If no retry would get a listing further, the page is Stopped; that is no error.
func (c Comparer) Page(ctx context.Context, since time.Time, at Cursor) (Page, error) {
	list := listings(since)
	f := list[at.Listing]
	f.Limit, f.StartingAfter = pageSize, at.Cursor
	p := Page{}
	if at.Listing+1 < len(list) {
		p.Next = &Cursor{Listing: at.Listing + 1}
	}
	listed, err := c.Platform.ListOrders(ctx, f)
	if platform.IsLasting(err) {
		p.Stopped = stopped(f, err)
		return p, nil
	} else if err != nil {
		return Page{}, fmt.Errorf("list the platform's orders: %w", err)
	}
	if p.Orders, err = c.compare(ctx, listed.Data); err != nil {
		return Page{}, err
	}
	for i := range p.Orders {
		p.Orders[i].Where = fmt.Sprintf("order %d on page %d of %s", i+1, at.Pages+1, name(f))
	}
	switch next, err := listed.Next(at.Trail); {
	case err != nil:
		p.Stopped = stopped(f, err)
	case next != nil:
		p.Next = &Cursor{at.Listing, *next}
	}
	return p, nil
}

func stopped(f platform.OrderFilter, err error) string {
	return Shortened(name(f) + ": " + err.Error())
}

func name(f platform.OrderFilter) string {
	if f.Status == "" {
		return "the orders created since " + f.CreatedAfter.UTC().Format(time.RFC3339)
	}
	return "the orders that are " + f.Status
}

const (
	// maxOpenHere bounds what one reconciliation compares, and so what its workflow carries; the next one finds the rest.
	maxOpenHere = 500
	// openWithin is how long the platform's open orders may take to be listed: less than the activity may take.
	openWithin = 45 * time.Minute
)

var errEndless = fmt.Errorf("the list did not end within %s", openWithin)

// OpenHereAlone returns the IDs of at most 500 orders that are open here and not on the platform: their last events
// were lost, and no listing shows them any more. It leaves out orders whose rows were created after since, because
// the first listing has them. If a listing can't be read to its end, it returns no orders, and stopped says why.
func (c Comparer) OpenHereAlone(ctx context.Context, since time.Time) (ids []string, stopped string, err error) {
	open, err := c.Store.OpenOrders(ctx, openStatuses, since)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, openWithin, errEndless)
	defer cancel()
	for _, status := range openStatuses {
		if len(open) == 0 {
			break
		}
		if stopped, err = c.removeOpen(ctx, open, platform.OrderFilter{Status: status}); err != nil || stopped != "" {
			return nil, stopped, err
		}
	}
	ids = slices.Collect(maps.Keys(open))
	return ids[:min(len(ids), maxOpenHere)], "", nil
}

// removeOpen removes from open the orders that the platform lists.
func (c Comparer) removeOpen(ctx context.Context, open map[string]bool, f platform.OrderFilter) (why string, err error) {
	for o, err := range c.Platform.Orders(ctx, f) {
		switch {
		case errors.Is(context.Cause(ctx), errEndless):
			return stopped(f, errEndless), nil
		case platform.IsLasting(err):
			return stopped(f, err), nil
		case err != nil:
			return "", fmt.Errorf("list the platform's open orders: %w", err)
		}
		delete(open, o.ID)
	}
	return "", nil
}

package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/platform"
)

// Tally counts what a reconciliation did.
type Tally struct {
	Compared int `json:"compared"` // a second look at an order counts again

	// Orders that were put right, by what was found.
	Missing   int `json:"missing"`
	Different int `json:"different"`
	Silent    int `json:"silent"`

	Unrepaired int      `json:"unrepaired"`      // orders that are not as the platform has them still
	Notes      []string `json:"notes,omitempty"` // why, of the first few
}

// maxNotes bounds what a workflow carries.
const maxNotes = 20

// Add adds up.
func (t *Tally) Add(o Tally) {
	t.Compared += o.Compared
	t.Missing += o.Missing
	t.Different += o.Different
	t.Silent += o.Silent
	t.Unrepaired += o.Unrepaired
	t.Notes = append(t.Notes, o.Notes...)
	t.Notes = t.Notes[:min(len(t.Notes), maxNotes)]
}

// Repaired is how many orders were put right.
func (t Tally) Repaired() int { return t.Missing + t.Different + t.Silent }

func (t *Tally) repaired(found inorder.Found) {
	switch found {
	case inorder.FoundMissing:
		t.Missing++
	case inorder.FoundSilent:
		t.Silent++
	default:
		t.Different++
	}
}

func (t *Tally) unrepaired(c Compared, why string) {
	t.Add(Tally{Unrepaired: 1, Notes: []string{shortened(c.Name() + ": " + why)}})
}

// Place is where a reconciliation stands: which of the listings, and where in it. The zero Place is the beginning.
type Place struct {
	Listing int `json:"listing"`
	platform.Trail
}

var openStatuses = []string{"draft", "pending", "confirmed", "processing"}

// listings are the platform's orders that are compared: those created since, and the older ones that are open there. The
// open ones come in the order of their life, so that one that goes on meanwhile is met again and not missed; and since
// the documents do not say whether a bound itself counts, the two overlap by a second.
func listings(since time.Time) []platform.OrderFilter {
	list := []platform.OrderFilter{{CreatedAfter: since}}
	for _, status := range openStatuses {
		list = append(list, platform.OrderFilter{Status: status, CreatedBefore: since.Add(time.Second)})
	}
	return list
}

// Page is a page of one of the listings, compared.
type Page struct {
	Orders  []Compared
	Next    *Place // nil after the last page of the last listing
	Stopped string // why the listing ends here, though the platform has more of it; Next is then of the next listing
}

// Page compares the page at a place. A listing that cannot go on is Stopped, and is no error.
func (c Comparer) Page(ctx context.Context, since time.Time, at Place) (Page, error) {
	list := listings(since)
	f := list[at.Listing]
	f.Limit, f.StartingAfter = pageSize, at.Cursor
	p := Page{}
	if at.Listing+1 < len(list) {
		p.Next = &Place{Listing: at.Listing + 1}
	}
	listed, err := c.Platform.ListOrders(ctx, f)
	if platform.IsLasting(err) {
		p.Stopped = shortened(named(f) + ": " + err.Error())
		return p, nil
	} else if err != nil {
		return Page{}, fmt.Errorf("list the platform's orders: %w", err)
	}
	if p.Orders, err = c.compare(ctx, listed.Data); err != nil {
		return Page{}, err
	}
	for i := range p.Orders {
		p.Orders[i].Where = fmt.Sprintf("order %d on page %d of %s", i+1, at.Pages+1, named(f))
	}
	switch next, err := listed.Next(at.Trail); {
	case err != nil:
		p.Stopped = shortened(named(f) + ": " + err.Error())
	case next != nil:
		p.Next = &Place{at.Listing, *next}
	}
	return p, nil
}

// named is what a listing is called.
func named(f platform.OrderFilter) string {
	if f.Status == "" {
		return "the orders created since " + f.CreatedAfter.UTC().Format(time.RFC3339)
	}
	return "the orders that are " + f.Status
}

// pageSize is the most that the platform gives.
const pageSize = 100

// Not by an index: one would cost every change of a status, and this runs once per reconciliation.
const selectOpenSQL = `SELECT id FROM orders WHERE status = ANY($1) AND created_at < $2`

const (
	// maxClosed bounds what one reconciliation looks at, and with it what its workflow carries; the next one finds the rest.
	maxClosed = 500
	// closedWithin is how long the platform's open orders may take to be listed: less than the activity may take.
	closedWithin = 45 * time.Minute
)

var errEndless = fmt.Errorf("it has not come to its end within %s", closedWithin)

// Closed gives the orders that are open here and not there: those of which the last events were lost, and which none of the
// platform's listings shows any more. It goes by the age of our rows; younger ones are of the first listing. Where a listing
// cannot go on nobody knows what is missing in it: then stopped says why, and there are none.
func (c Comparer) Closed(ctx context.Context, since time.Time) (ids []string, stopped string, err error) {
	open, err := c.open(ctx, since)
	if err != nil {
		return nil, "", fmt.Errorf("read the open orders: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, closedWithin, errEndless)
	defer cancel()
	for _, status := range openStatuses {
		if len(open) == 0 {
			break
		}
		f := platform.OrderFilter{Status: status}
		for o, err := range c.Platform.Orders(ctx, f) {
			switch {
			case context.Cause(ctx) == errEndless:
				return nil, named(f) + ": " + errEndless.Error(), nil
			case platform.IsLasting(err):
				return nil, shortened(named(f) + ": " + err.Error()), nil
			case err != nil:
				return nil, "", fmt.Errorf("list the platform's open orders: %w", err)
			}
			delete(open, o.ID)
		}
	}
	for id := range open {
		if ids = append(ids, id); len(ids) == maxClosed {
			break
		}
	}
	return ids, "", nil
}

func (c Comparer) open(ctx context.Context, since time.Time) (map[string]bool, error) {
	open := map[string]bool{}
	err := pgx.BeginTxFunc(ctx, c.DB, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectOpenSQL, openStatuses, since)
		if err != nil {
			return err
		}
		var id string
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { open[id] = true; return nil })
		return err
	})
	return open, err
}

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

func (t *Tally) unrepaired(orderID, why string) {
	t.Add(Tally{Unrepaired: 1, Notes: []string{fmt.Sprintf("order %s: %s", orderID, why)}})
}

// Place is where a reconciliation stands: which of the listings, and where in it. The zero Place is the beginning.
type Place struct {
	Listing int    `json:"listing"`
	Cursor  string `json:"cursor,omitempty"`
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

// Page compares the page at a place. next is nil after the last page.
func (c Comparer) Page(ctx context.Context, since time.Time, at Place) (page []Compared, next *Place, err error) {
	list := listings(since)
	f := list[at.Listing]
	f.Limit, f.StartingAfter = pageSize, at.Cursor
	page, cursor, err := c.Listed(ctx, f)
	switch {
	case err != nil:
		return nil, nil, err
	case cursor != "":
		return page, &Place{at.Listing, cursor}, nil
	case at.Listing+1 < len(list):
		return page, &Place{Listing: at.Listing + 1}, nil
	}
	return page, nil, nil
}

// pageSize is the most that the platform gives.
const pageSize = 100

// Not by an index: one would cost every change of a status, and this runs once per reconciliation.
const selectOpenSQL = `SELECT id FROM orders WHERE status = ANY($1) AND created_at < $2`

// maxClosed bounds what one reconciliation looks at; the next one finds the rest.
const maxClosed = 1000

// Closed gives the orders that are open here and not there: those of which the last events were lost, and which none of the
// platform's listings shows any more. It goes by the age of our rows; younger ones are of the first listing.
func (c Comparer) Closed(ctx context.Context, since time.Time) ([]string, error) {
	open, err := c.open(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("read the open orders: %w", err)
	}
	for _, status := range openStatuses {
		if len(open) == 0 {
			break
		}
		for o, err := range c.Platform.Orders(ctx, platform.OrderFilter{Status: status}) {
			if err != nil {
				return nil, fmt.Errorf("list the platform's open orders: %w", err)
			}
			delete(open, o.ID)
		}
	}
	var ids []string
	for id := range open {
		if ids = append(ids, id); len(ids) == maxClosed {
			break
		}
	}
	return ids, nil
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

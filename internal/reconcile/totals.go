package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder"
)

// Totals count what a reconciliation compared and repaired.
type Totals struct {
	Compared int `json:"compared"` // an order that is compared once more counts again

	// Orders that were repaired, by their drift.
	Missing   int `json:"missing"`
	Different int `json:"different"`
	Silent    int `json:"silent"`

	Unrepaired int      `json:"unrepaired"`      // orders that are still not as the platform has them
	Notes      []string `json:"notes,omitempty"` // why, of the first twenty
}

// maxNotes bounds what a workflow carries.
const maxNotes = 20

// Add adds o.
func (t *Totals) Add(o Totals) {
	t.Compared += o.Compared
	t.Missing += o.Missing
	t.Different += o.Different
	t.Silent += o.Silent
	t.Unrepaired += o.Unrepaired
	t.Notes = append(t.Notes, o.Notes...)
	t.Notes = t.Notes[:min(len(t.Notes), maxNotes)]
}

// Repaired returns how many orders were repaired.
func (t Totals) Repaired() int { return t.Missing + t.Different + t.Silent }

// ByDrift returns in words how many orders were repaired, by their drift.
func (t Totals) ByDrift() string {
	return fmt.Sprintf("%d missing, %d different, %d changed silently", t.Missing, t.Different, t.Silent)
}

// AddRepaired counts an order that was repaired.
func (t *Totals) AddRepaired(d inorder.Drift) {
	switch d {
	case inorder.DriftMissing:
		t.Missing++
	case inorder.DriftSilent:
		t.Silent++
	default:
		t.Different++
	}
}

// AddUnrepaired counts an order that was not repaired, and notes why.
func (t *Totals) AddUnrepaired(c Compared, why string) {
	name := c.Where
	if c.OrderID != "" {
		name = "order " + c.OrderID
	}
	t.Add(Totals{Unrepaired: 1, Notes: []string{Shortened(name + ": " + why)}})
}

// Preview is the result that a reconciliation would have now.
type Preview struct {
	Totals           // as if each order were repaired that can be; an order counts once
	Stopped []string // why not all orders were compared
}

// Preview compares the named orders or, if none is named, the same orders as the workflow ReconcileOrders. It calls drifted
// for each order that is not as the platform's, once. An error is what the workflow would retry.
func (c Comparer) Preview(ctx context.Context, named []string, since time.Time, drifted func(Compared)) (p Preview, err error) {
	seen := map[string]bool{} // an order may be in several pages, because orders change while they are listed
	add := func(o Compared) {
		name := cmp.Or(o.OrderID, o.Where)
		if seen[name] {
			return
		}
		seen[name] = true
		p.Compared++
		if !o.Drifted() {
			return
		}
		drifted(o)
		if why := o.WhyUnrepaired(); why != "" {
			p.AddUnrepaired(o, why)
		} else {
			p.AddRepaired(o.Drift)
		}
	}
	if len(named) == 0 {
		for at := (&Cursor{}); at != nil; {
			page, err := c.Page(ctx, since, *at)
			if err != nil {
				return p, err
			}
			for _, o := range page.Orders {
				add(o)
			}
			p.stop(page.Stopped)
			at = page.Next
		}
		var stopped string
		if named, stopped, err = c.OpenHereAlone(ctx, since); err != nil {
			return p, err
		}
		p.stop(stopped)
	}
	for _, id := range named {
		o, err := c.Order(ctx, id)
		if err != nil {
			return p, err
		}
		add(o)
	}
	return p, nil
}

func (p *Preview) stop(why string) {
	if why != "" {
		p.Stopped = append(p.Stopped, why)
	}
}

package reconcile

import (
	"cmp"
	"context"
	"time"
)

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

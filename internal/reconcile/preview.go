package reconcile

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Preview is what a reconciliation would come to now.
type Preview struct {
	Totals         // as if each order were repaired that can be; an order counts once
	Stopped string // why not all orders were compared; "" if all were
}

// Preview compares the named orders or, if none is named, those that a reconciliation compares. It calls drifted for each
// order that is not as the platform's, once. An error is what a reconciliation would retry.
func (c Comparer) Preview(ctx context.Context, named []string, since time.Time, drifted func(Compared)) (p Preview, err error) {
	seen := map[string]bool{} // by name: an order may be in several pages, because orders change while they are listed
	var stopped []string
	err = c.each(ctx, named, since, func(o Compared) {
		if name := cmp.Or(o.OrderID, o.Where); !seen[name] {
			seen[name] = true
			p.add(o, drifted)
		}
	}, func(why string) {
		if why != "" {
			stopped = append(stopped, why)
		}
	})
	p.Stopped = strings.Join(stopped, "; ")
	return p, err
}

func (p *Preview) add(o Compared, drifted func(Compared)) {
	p.Compared++
	if !o.Drifted() {
		return
	}
	if why := o.Unrepaired(); why != "" {
		p.AddUnrepaired(o, why)
	} else {
		p.AddRepaired(o.Drift)
	}
	drifted(o)
}

// each goes through the orders as the workflow ReconcileOrders does: page by page, then those that are open here alone.
func (c Comparer) each(ctx context.Context, named []string, since time.Time, add func(Compared), stop func(why string)) error {
	if len(named) == 0 {
		for at := (&Cursor{}); at != nil; {
			page, err := c.Page(ctx, since, *at)
			if err != nil {
				return err
			}
			for _, o := range page.Orders {
				add(o)
			}
			stop(page.Stopped)
			at = page.Next
		}
		open, stopped, err := c.OpenHereAlone(ctx, since)
		if err != nil {
			return err
		}
		stop(stopped)
		named = open
	}
	for _, id := range named {
		o, err := c.Order(ctx, id)
		if err != nil {
			return err
		}
		add(o)
	}
	return nil
}

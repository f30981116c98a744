package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"

	"inorder/internal/sample"
)

// show prints what became of the order and of each event.
func (w *watcher) show(ctx context.Context, out io.Writer, orderID string, events []sample.Options) error {
	places, err := w.places(ctx, idsOf(events))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWhat became of the events:\n")
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, p := range places {
		if p.Outcome == "" {
			p = w.ask(ctx, p)
		}
		if p.Outcome == "" {
			p.Outcome, p.Detail = "in flight", "it is in no table yet; is a worker running? Its workflow has the same ID"
		}
		fmt.Fprintf(columns, "  %s\t%s\t%s\t%s\n", p.ID, events[i].Type, p.Outcome, p.Detail)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	return w.showOrder(ctx, out, orderID)
}

const selectOrderSQL = `
SELECT concat_ws(' · ', 'status ' || status, 'payment ' || payment_status, 'fulfillment ' || fulfillment_status,
                 'total ' || total_amount || ' ' || currency,
                 (SELECT string_agg('refunded ' || refunded_amount || ' ' || r.currency || ' in ' || refunds, ' · ')
                  FROM order_refunds r WHERE order_id = id),
                 (SELECT string_agg(kind || ' ' || p.status, ' · ' ORDER BY kind, p.id)
                  FROM order_parts p WHERE order_id = o.id AND kind <> 'refund'))
FROM orders o WHERE id = $1`

func (w *watcher) showOrder(ctx context.Context, out io.Writer, orderID string) error {
	var line string
	err := w.pool.QueryRow(ctx, selectOrderSQL, orderID).Scan(&line)
	if errors.Is(err, pgx.ErrNoRows) {
		line = "it does not exist"
	} else if err != nil {
		return fmt.Errorf("look for order %s: %w", orderID, err)
	}
	fmt.Fprintf(out, "\nThe order:\n  %s\n", orderID+"  "+line)
	return nil
}

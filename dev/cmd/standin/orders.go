package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"inorder/dev/standin"
)

type ordersCmd struct {
	Limit int `help:"Show only the newest N; 0 for all (${default})." default:"20" placeholder:"N"`
}

func (c *ordersCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	all, err := api.orders(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "No orders yet. To place one: standin place")
		return nil
	}
	shown := all
	if c.Limit > 0 && len(all) > c.Limit {
		shown = all[len(all)-c.Limit:]
	}
	showOrders(out, shown)
	if older := len(all) - len(shown); older > 0 {
		fmt.Fprintf(out, "\n%d older ones are not shown: --limit 0 shows all\n", older)
	}
	return nil
}

func (c *control) orders(ctx context.Context) ([]standin.Order, error) {
	var all struct{ Orders []standin.Order }
	err := c.call(ctx, "GET", "/orders", nil, &all)
	return all.Orders, err
}

func showOrders(out io.Writer, orders []standin.Order) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ORDER\tSTATUS\tPAYMENT\tFULFILLMENT\tTOTAL\tREFUNDED\tCREATED")
	for _, o := range orders {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d %s\t%d %s\t%s\n", o.ID, o.Status, o.PaymentStatus, o.FulfillmentStatus,
			o.Total.Amount, o.Total.Currency, o.RefundedTotal.Amount, o.RefundedTotal.Currency, o.CreatedAt)
	}
	_ = w.Flush()
}

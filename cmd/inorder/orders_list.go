package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type ordersListCmd struct {
	Status            string `help:"Such as confirmed." placeholder:"STATUS"`
	PaymentStatus     string `help:"Such as paid." placeholder:"STATUS"`
	FulfillmentStatus string `help:"Such as fulfilled." placeholder:"STATUS"`
	Store             string `help:"The store that they come from." placeholder:"ID"`
	Query             string `short:"q" help:"An ID or a number, or the beginning of one." placeholder:"TEXT"`
	UpdatedAfter      string `help:"Changed at this time or later: a time, a day, or how long ago, such as 24h." placeholder:"TIME"`
	UpdatedBefore     string `help:"Changed before this time." placeholder:"TIME"`
	pageFlags
}

func (*ordersListCmd) Help() string {
	return `Shows the orders that match all flags, newest change first.` + apiSettings + `

Examples:

    inorder orders list -q 1001
    inorder orders list --status confirmed --payment-status unpaid --updated-before 72h`
}

func (c *ordersListCmd) Validate() error {
	if _, err := c.query(time.Now()); err != nil {
		return err
	}
	return c.pageFlags.Validate()
}

func (c *ordersListCmd) query(now time.Time) (q api.OrdersQuery, err error) {
	q = api.OrdersQuery{Status: c.Status, PaymentStatus: c.PaymentStatus, FulfillmentStatus: c.FulfillmentStatus, StoreID: c.Store, Q: c.Query}
	q.UpdatedAfter, q.UpdatedBefore, err = span("updated", c.UpdatedAfter, c.UpdatedBefore, now)
	return q, err
}

func (c *ordersListCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		q, err := c.query(time.Now())
		if err != nil {
			return err
		}
		return lister[api.Order]{
			fetch: func(ctx context.Context, page api.ListQuery) (api.Page[api.Order], error) {
				q.ListQuery = page
				return o.Orders(ctx, q)
			},
			columns: []table.Column{{Title: "order"}, {Title: "number", Drop: 3}, {Title: "status", Least: 9}, {Title: "payment", Least: 9},
				{Title: "fulfillment", Least: 9, Drop: 1}, {Title: "total", Right: true, Drop: 2}, {Title: "changed", Least: 11, Drop: 4}, {Title: "store", Drop: 5}},
			row: func(r api.Order, now time.Time) []table.Cell {
				return []table.Cell{table.Text(r.ID), table.Text(r.Number), table.Text(r.Status), table.Text(r.PaymentStatus), table.Text(r.FulfillmentStatus),
					table.Text(moneyOf(r.TotalAmount, r.Currency)), table.Text(words.Ago(r.UpdatedAt, now)), table.Text(r.StoreID)}
			},
			none: "No orders match.",
		}.show(ctx, o, c.pageFlags)
	})
}

func moneyOf(amount *int64, currency string) string {
	if amount == nil {
		return ""
	}
	return words.Money(*amount, currency)
}

type ordersTimelineCmd struct {
	ID string `arg:"" help:"The order's ID."`
	pageFlags
}

func (*ordersTimelineCmd) Help() string {
	return `Lists every event about an order by the event's own time, newest first: when it happened, how it ended, and what it lost against.
Events that have not ended are listed, too. The order itself need not exist.` + apiSettings + `

Example:

    inorder orders timeline order_1001 --all-pages`
}

func (c *ordersTimelineCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		return timelineOf(o, c.ID).show(ctx, o, c.pageFlags)
	})
}

func timelineOf(o operator, orderID string) lister[api.Event] {
	return lister[api.Event]{
		fetch: func(ctx context.Context, page api.ListQuery) (api.Page[api.Event], error) {
			p, err := o.Timeline(ctx, orderID, page)
			return p, explainOrder(err, orderID)
		},
		columns: timelineColumns(), row: timelineRow, none: "No events are about it.",
	}
}

func timelineColumns() []table.Column {
	return []table.Column{{Title: "happened", Drop: 2}, {Title: "type", Least: 12}, {Title: "state"}, {Title: "event", Drop: 1}, {Title: "via", Drop: 4},
		{Title: "detail", Least: 16, Drop: 3}}
}

func timelineRow(e api.Event, _ time.Time) []table.Cell {
	happened := "not known"
	if e.OccurredAt != nil {
		happened = clockOf(*e.OccurredAt)
	}
	return []table.Cell{table.Text(happened), table.Text(e.Type), {Text: cmp.Or(e.Outcome, string(e.State)), Style: styleOf(e)}, table.Text(e.EventID),
		table.Text(e.Via), table.Text(e.Detail)}
}

type ordersBlockedCmd struct {
	ID string `arg:"" help:"The order's ID."`
	outputFlags
}

func (*ordersBlockedCmd) Help() string {
	return `Shows what holds an order up: its events that are in the inbox, waiting, in attention or being retried, with their last failure, and
who holds its lock in PostgreSQL. The order itself need not exist.` + apiSettings + `

Example:

    inorder orders blocked order_1001 --watch`
}

func (c *ordersBlockedCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		_, err := viewer[api.Blocked]{func(ctx context.Context) (api.Blocked, error) {
			b, err := o.Blocked(ctx, c.ID)
			return b, explainOrder(err, c.ID)
		}, writeBlocked}.show(ctx, std, c.outputFlags)
		return err
	})
}

func writeBlocked(to *terminal.Writer, b api.Blocked, now time.Time) {
	writeParagraph(to, "", line(b.Summary))
	if b.Lock != nil {
		writeParagraph(to, "", fmt.Sprintf("Its lock is held by PostgreSQL's process %d (%s) for %s; %s for it.", b.Lock.PID,
			line(cmp.Or(b.Lock.Application, b.Lock.User, "unknown")), words.Seconds(b.Lock.ForSeconds), words.Phrase(b.Lock.Waiting, "transaction waits", "transactions wait")))
	}
	t := table.Table{Columns: []table.Column{{Title: "event"}, {Title: "type", Least: 12}, {Title: "state"}, {Title: "since", Least: 11, Drop: 1},
		{Title: "next attempt", Drop: 2}, {Title: "why", Least: 16}}}
	var rows [][]table.Cell
	for _, e := range b.Events.Data {
		next := ""
		if e.NextAttempt != nil {
			next = words.Ago(*e.NextAttempt, now)
		}
		rows = append(rows, []table.Cell{table.Text(e.EventID), table.Text(e.Type), {Text: string(e.State), Style: styleOf(e.Event)},
			table.Text(words.Ago(e.ReceivedAt, now)), table.Text(next), table.Text(cmp.Or(e.LastFailure, e.Detail))})
	}
	t.Write(to, rows)
	if b.Events.NextCursor != "" {
		fmt.Fprintf(to, "There are more: inorder events list --order %s\n", quoted(b.OrderID))
	}
	noteMissing(to, append(b.Missing, b.Events.Missing...))
}

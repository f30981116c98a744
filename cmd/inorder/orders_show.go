package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type ordersShowCmd struct {
	ID string `arg:"" help:"The order's ID."`
	outputFlags
}

func (*ordersShowCmd) Help() string {
	return `Answers a support call: it shows the order's statuses with the events that set them, its parts, its last events, what holds it up, and what
the platform says about it now, with the differences. The platform is asked only if HEADLESS_COMMERCE_API_KEY is set; otherwise the
command says that it was not. With --watch it is asked only once.

If the order does not exist here, or can't be read now, the command shows what else is known about it, and then fails.` + apiSettings + ` Reads HEADLESS_COMMERCE_API_KEY and
HEADLESS_COMMERCE_API_URL.

Examples:

    inorder orders show order_1001
    inorder orders show order_1001 --json | jq .order.parts`
}

// supportView has everything about an order; --json prints it.
type supportView struct {
	Order    *api.OrderView      `json:"order"` // null if it does not exist here, or could not be read
	Timeline api.Page[api.Event] `json:"timeline"`
	Blocked  api.Blocked         `json:"blocked"`
	Platform platformView        `json:"platform"`
	Missing  []api.Missing       `json:"missing,omitempty"` // which servers did not answer, and what is missing then

	orderAway, timelineAway, blockedAway error // why that part is not known
}

func (c *ordersShowCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		if c.Watch {
			var platform *platformView // it is asked once: it would not like to be asked every 2 seconds
			return watch(ctx, std, func(screen *terminal.Writer) error {
				v, err := supportViewOf(ctx, o, c.ID, platform)
				if err == nil {
					platform = &v.Platform
					v.write(screen, c.ID, time.Now())
				}
				return err
			})
		}
		v, err := supportViewOf(ctx, o, c.ID, nil)
		if err != nil {
			return err
		}
		if c.JSON {
			err = writeJSON(std.out, v)
		} else {
			v.write(std.screen, c.ID, time.Now())
		}
		switch {
		case err != nil:
			return err
		case v.orderAway != nil:
			return v.orderAway
		case v.Order == nil:
			err = fmt.Errorf("there is no order %s here; to list orders: inorder orders list", c.ID)
		}
		return err
	})
}

// supportViewOf asks for everything at once. If said is not nil, the platform isn't asked again. If a server does not answer,
// everything that does not need it is shown.
func supportViewOf(ctx context.Context, o operator, id string, said *platformView) (v supportView, err error) {
	group, asking := errgroup.WithContext(ctx)
	var away [3]error // of each question
	group.Go(func() error {
		order, err := o.Order(asking, id)
		if err == nil {
			v.Order = &order
		}
		return unlessAway(err, &away[0])
	})
	group.Go(func() (err error) {
		v.Timeline, err = o.Timeline(asking, id, api.ListQuery{Limit: 20})
		return unlessAway(err, &away[1])
	})
	group.Go(func() (err error) {
		v.Blocked, err = o.Blocked(asking, id)
		return unlessAway(err, &away[2])
	})
	group.Go(func() error {
		if said != nil {
			v.Platform = *said
		} else {
			v.Platform = askPlatform(asking, o, id)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return v, err
	}
	if !slices.Contains(away[:], nil) {
		return v, away[0]
	}
	v.orderAway, v.timelineAway, v.blockedAway = away[0], away[1], away[2]
	for _, err := range away {
		if p, refused := errors.AsType[*api.Problem](err); refused {
			v.Missing = append(v.Missing, p.Missing...)
		}
	}
	if v.Order != nil {
		v.Platform.compare(*v.Order)
	}
	if v.Timeline.Data == nil {
		v.Timeline.Data = []api.Event{}
	}
	return v, nil
}

// unlessAway returns the error of a question, with two exceptions. If there is no such order, it returns nil. If a server does not answer, it
// keeps the error in away, and returns nil.
func unlessAway(err error, away *error) error {
	p, refused := errors.AsType[*api.Problem](err)
	switch {
	case refused && p.Type == api.ProblemNotFound:
		return nil
	case refused && p.Type == api.ProblemUnavailable:
		*away = err
		return nil
	}
	return err
}

func (v supportView) write(to *terminal.Writer, id string, now time.Time) {
	switch {
	case v.Order != nil:
		writeOrder(to, *v.Order, now)
	case v.orderAway != nil:
		to.Paint(terminal.Bold, line(id))
		fmt.Fprintln(to)
		writeParagraph(to, "! ", line(v.orderAway.Error()))
	default:
		to.Paint(terminal.Bold, line(id))
		fmt.Fprint(to, "\nThere is no such order here.\n")
	}
	section := func(title string, away error, write func()) {
		fmt.Fprintln(to)
		to.Paint(terminal.Bold, title)
		fmt.Fprintln(to)
		if away != nil {
			writeParagraph(to, "! ", line(away.Error()))
			return
		}
		write()
	}
	section("What holds it up", v.blockedAway, func() { writeBlocked(to, v.Blocked, now) })
	section("What the platform says", nil, func() { v.Platform.write(to, id) })
	section("Its events, newest first", v.timelineAway, func() { v.writeTimeline(to, id, now) })
}

func (v supportView) writeTimeline(to *terminal.Writer, id string, now time.Time) {
	t := table.Table{Columns: timelineColumns()}
	rows := make([][]table.Cell, len(v.Timeline.Data))
	for i, e := range v.Timeline.Data {
		rows[i] = timelineRow(e, now)
	}
	t.Write(to, rows)
	switch {
	case len(rows) == 0:
		fmt.Fprintln(to, "No events are about it.")
	case v.Timeline.NextCursor != "":
		fmt.Fprintf(to, "There are more: inorder orders timeline %s\n", quoted(id))
	}
	noteMissing(to, v.Timeline.Missing)
}

func writeOrder(to *terminal.Writer, o api.OrderView, now time.Time) {
	to.Paint(terminal.Bold, line(o.ID))
	fmt.Fprintln(to)
	writeFacts(to, []fact{{"number", o.Number}, {"store", o.StoreID}, {"total", moneyOf(o.TotalAmount, o.Currency)}, {"created here", whenOf(&o.CreatedAt, now)},
		{"last webhook", whenOf(&o.LastWebhookAt, now)}, {"changed", whenOf(&o.UpdatedAt, now)}})
	for _, r := range o.Refunds {
		writeFacts(to, []fact{{"refunded", words.Money(r.Amount, r.Currency) + " in " + words.Count(r.Refunds, "refund")}})
	}
	fmt.Fprintln(to)
	aspects := table.Table{Columns: []table.Column{{Title: "aspect"}, {Title: "value", Least: 10}, {Title: "since", Drop: 1}, {Title: "set by", Drop: 2}}}
	var rows [][]table.Cell
	for _, a := range o.Aspects {
		rows = append(rows, []table.Cell{table.Text(a.Name), table.Text(a.Value), table.Text(whenOf(a.At, now)), table.Text(a.EventID)})
	}
	aspects.Write(to, rows)
	if len(o.Parts) == 0 {
		return
	}
	fmt.Fprintln(to)
	parts := table.Table{Columns: []table.Column{{Title: "part"}, {Title: "ID", Least: 12}, {Title: "status"}, {Title: "amount", Right: true}, {Title: "since", Least: 11, Drop: 1},
		{Title: "set by", Drop: 2}, {Title: "note", Least: 8}}}
	rows = nil
	for _, p := range o.Parts {
		note := ""
		if !p.Counts {
			note = "does not count: a newer list supersedes it"
		}
		rows = append(rows, []table.Cell{table.Text(p.Kind), table.Text(p.ID), table.Text(p.Status), table.Text(moneyOf(p.Amount, p.Currency)),
			table.Text(words.Ago(p.LastWebhookAt, now)), table.Text(p.EventID), table.Text(note)})
	}
	parts.Write(to, rows)
}

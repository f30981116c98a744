package main

import (
	"context"
	"errors"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type eventsCmd struct {
	List    eventsListCmd    `cmd:"" help:"List events, newest first."`
	Show    eventsShowCmd    `cmd:"" help:"Show one event: where it stands, why, and what can be done."`
	Retry   eventsRetryCmd   `cmd:"" help:"Try events again now: some, or all that a filter selects."`
	Discard eventsDiscardCmd `cmd:"" help:"Give up events: some, or all that a filter selects."`
	Replay  eventsReplayCmd  `cmd:"" help:"Apply ended events again: some, or all that a filter selects."`
	Amend   eventsAmendCmd   `cmd:"" help:"Correct the body of an event that needs attention, and apply it."`
}

func (*eventsCmd) Help() string {
	return `An event is what a delivery of the platform reports; it takes effect once. It is in the inbox, applying, waiting, stuck or in attention, or
it has ended: applied, stale, ignored, discarded or expired.` + apiSettings + `

A first session:

    inorder events list --state attention
    inorder events show evt_1
    inorder events retry evt_1`
}

// filterFlags select events.
type filterFlags struct {
	State   string `enum:"inbox,applying,waiting,stuck,attention,ended," default:"" help:"Where they stand: inbox, applying, waiting, stuck, attention, ended." placeholder:"STATE"`
	Outcome string `enum:"applied,stale,ignored,discarded,expired," default:"" help:"How they ended: applied, stale, ignored, discarded, expired." placeholder:"OUTCOME"`
	Type    string `help:"Such as order.paid." placeholder:"TYPE"`
	Order   string `help:"The order that they are about." placeholder:"ID"`
	Store   string `help:"The store that they come from." placeholder:"ID"`
	Via     string `enum:"workflow,inbox," default:"" help:"What recorded their end: workflow, inbox." placeholder:"WAY"`

	ReceivedAfter  string `help:"Received at this time or later: a time, a day, or how long ago, such as 24h." placeholder:"TIME"`
	ReceivedBefore string `help:"Received before this time." placeholder:"TIME"`
}

func (f filterFlags) query(now time.Time) (q api.EventsQuery, err error) {
	q = api.EventsQuery{State: api.State(f.State), Outcome: f.Outcome, Type: f.Type, OrderID: f.Order, StoreID: f.Store, Via: f.Via}
	q.ReceivedAfter, q.ReceivedBefore, err = span("received", f.ReceivedAfter, f.ReceivedBefore, now)
	return q, errors.Join(err, optional(f.Order, checkOrderID))
}

// span reads the flags of a span of time: their names are flag with -after and -before.
func span(flag, after, before string, now time.Time) (from, to time.Time, err error) {
	if from, err = parsePast("--"+flag+"-after", after, now); err == nil {
		to, err = parsePast("--"+flag+"-before", before, now)
	}
	return from, to, err
}

type eventsListCmd struct {
	filterFlags
	pageFlags
}

func (*eventsListCmd) Help() string {
	return `Shows the events that match all flags, newest first. An event that has not ended is shown with its age since its receipt. If a server does
not answer, the list names it, and what is missing.` + apiSettings + `

Examples:

    inorder events list --state stuck --watch
    inorder events list --order order_1001
    inorder events list --outcome expired --received-after 24h --all-pages --json | jq -r '.data[].event_id'`
}

func (c *eventsListCmd) Validate() error {
	if _, err := c.query(time.Now()); err != nil {
		return err
	}
	return c.pageFlags.Validate()
}

func (c *eventsListCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		q, err := c.query(time.Now())
		if err != nil {
			return err
		}
		list := listOfEvents("No events match.")
		list.fetch = func(ctx context.Context, page api.ListQuery) (api.Page[api.Event], error) {
			q.ListQuery = page
			return o.Events(ctx, q)
		}
		return list.show(ctx, o, c.pageFlags)
	})
}

// listOfEvents returns a list of events without its source.
func listOfEvents(none string) lister[api.Event] {
	return lister[api.Event]{columns: eventColumns(), row: eventRow, none: none}
}

func eventColumns() []table.Column {
	return []table.Column{{Title: "event"}, {Title: "type", Least: 12}, {Title: "order", Drop: 1}, {Title: "state"},
		{Title: "when", Least: 11, Drop: 2}, {Title: "store", Drop: 4}, {Title: "via", Drop: 5}, {Title: "detail", Least: 16, Drop: 3}}
}

func eventRow(e api.Event, now time.Time) []table.Cell {
	state, when := table.Cell{Text: string(e.State), Style: styleOf(e)}, words.Ago(e.ReceivedAt, now)
	if e.Outcome != "" {
		state.Text = e.Outcome
		if e.ProcessedAt != nil {
			when = words.Ago(*e.ProcessedAt, now)
		}
	}
	return []table.Cell{table.Text(e.EventID), table.Text(e.Type), table.Text(e.OrderID), state, table.Text(when), table.Text(e.StoreID),
		table.Text(e.Via), table.Text(e.Detail)}
}

// styleOf returns red for what needs a person, yellow for what may need one.
func styleOf(e api.Event) terminal.Style {
	switch e.State {
	case api.StateAttention, api.StateStuck:
		return terminal.Red
	case api.StateWaiting, api.StateApplying:
		return terminal.Yellow
	}
	switch e.Outcome {
	case "applied":
		return terminal.Green
	case "expired", "discarded":
		return terminal.Yellow
	}
	return terminal.Plain
}

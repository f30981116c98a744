package main

import (
	"context"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
)

type auditCmd struct {
	Actor  string `help:"Who acted." placeholder:"NAME"`
	Action string `enum:"retry,discard,replay,amend,bulk,stop,cancel," default:"" help:"retry, discard, replay, amend, bulk, stop or cancel." placeholder:"ACTION"`
	Event  string `help:"On which event." placeholder:"ID"`
	Order  string `help:"On events of which order." placeholder:"ID"`
	pageFlags
}

func (*auditCmd) Help() string {
	return `Lists who did what to which event, when, why, through which interface, and with what result, newest first. An action in the Temporal
UI is listed if the event's workflow has seen it.` + apiSettings + `

Examples:

    inorder audit --event evt_1
    inorder audit --actor kim --action discard`
}

func (c *auditCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		return lister[api.AuditEntry]{
			fetch: func(ctx context.Context, page api.ListQuery) (api.Page[api.AuditEntry], error) {
				return o.Audit(ctx, api.AuditQuery{Actor: c.Actor, Action: c.Action, EventID: c.Event, OrderID: c.Order, ListQuery: page})
			},
			columns: c.columns(),
			row: func(e api.AuditEntry, _ time.Time) []table.Cell {
				return []table.Cell{table.Text(clockOf(e.At)), table.Text(e.Actor), table.Text(e.Action), table.Text(e.EventID), table.Text(e.OrderID),
					table.Text(e.Via), table.Text(e.BulkID), table.Text(e.Reason), table.Text(e.Result)}
			},
			none: "No entries match.",
		}.show(ctx, o, c.pageFlags)
	})
}

// columns returns the columns. If they don't fit, filtered ones go first: they are the same in all rows. The reason goes last.
func (c *auditCmd) columns() []table.Column {
	const asked = 9
	event, order := table.Column{Title: "event"}, table.Column{Title: "order", Drop: 3}
	if c.Event != "" {
		event.Drop, order.Drop = asked, asked
	}
	if c.Order != "" {
		order.Drop = asked
	}
	bulk := table.Column{Title: "bulk", Drop: 4, Least: 12}
	if c.Action == "bulk" || c.Action == "stop" {
		bulk.Drop, bulk.Least = 0, 0 // people copy it
	}
	return []table.Column{{Title: "when"}, {Title: "actor", Least: 8}, {Title: "action"}, event, order, {Title: "via", Drop: 5}, bulk,
		{Title: "reason", Least: 12, Drop: 1}, {Title: "result", Least: 12, Drop: 2}}
}

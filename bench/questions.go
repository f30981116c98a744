package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/api"
	"inorder/internal/inspect"
)

// sampled has the IDs, and the number of an order, that questions ask for.
type sampled struct{ ended, waiting, order, waitedFor, number string }

func samples(ctx context.Context, pool *pgxpool.Pool, share int) (s sampled, err error) {
	err = pool.QueryRow(ctx, `SELECT w.event_id, p.event_id, o.id, p.order_id, o.number
		FROM (SELECT event_id FROM webhook_events OFFSET $1 * 5 LIMIT 1) w, (SELECT event_id, order_id FROM pending_events WHERE phase = 'waiting' OFFSET $1 / 2 LIMIT 1) p, (SELECT id, number FROM orders OFFSET $1 LIMIT 1) o`, 100_000/share).
		Scan(&s.ended, &s.waiting, &s.order, &s.waitedFor, &s.number)
	return s, err
}

// complete returns an error if the answer is incomplete.
func complete(missing []api.Missing, err error) error {
	if err == nil && len(missing) > 0 {
		return fmt.Errorf("%s: %s", missing[0].Source, missing[0].Why)
	}
	return err
}

// questions returns all questions: first those about lists, sorted by name, then those about one thing.
func (s sampled) questions() []question {
	all := slices.Concat(s.aboutEvents(), s.aboutOrders(), aboutAudit())
	slices.SortFunc(all, func(a, b question) int { return strings.Compare(a.name, b.name) })
	return append(all, s.aboutOne()...)
}

const listLimit, statusLimit = 50 * time.Millisecond, 100 * time.Millisecond

func anHourAgo() time.Time { return time.Now().Add(-time.Hour) }

func (s sampled) aboutEvents() (all []question) {
	hour := anHourAgo()
	for name, f := range map[string]api.Filter{
		"all": {}, "ended": {State: api.StateEnded}, "in the inbox": {State: api.StateInbox}, "applying": {State: api.StateApplying}, "waiting": {State: api.StateWaiting}, "stuck": {State: api.StateStuck},
		"in attention": {State: api.StateAttention}, "of the common outcome": {Outcome: "applied"}, "of an outcome": {Outcome: "stale"}, "of a rare outcome": {Outcome: "discarded"}, "of an outcome without events": {Outcome: "expired"},
		"of a type": {Type: "order.paid"}, "of a rare type": {Type: "order.rare"}, "of a type without events": {Type: "order.never"}, "of a store": {StoreID: "store_demo"}, "of a store without events": {StoreID: "store_none"},
		"of an order": {OrderID: s.order}, "of an order that is missing": {OrderID: s.waitedFor}, "via the inbox, of which there are none": {Via: "inbox"}, "received since": {ReceivedAfter: &hour}, "received before": {ReceivedBefore: &hour},
		"of a rare type, received before": {Type: "order.rare", ReceivedBefore: &hour},
	} {
		all = append(all, question{"events " + name, listLimit, func(ctx context.Context, i *inspect.Inspector) error {
			page, err := i.Events(ctx, f, "", 50)
			return complete(page.Missing, err)
		}})
	}
	return all
}

func (s sampled) aboutOrders() (all []question) {
	for name, q := range map[string]api.OrdersQuery{"all": {}, "of a status": {Status: "confirmed"}, "of a status without orders": {Status: "cancelled"}, "of a store": {StoreID: "store_demo"}, "of a store without orders": {StoreID: "store_none"},
		"by an ID": {Q: s.order}, "by the beginning of many IDs": {Q: "order_"}, "by a number": {Q: s.number}, "by the beginning of numbers": {Q: s.number[:2]}, "updated before": {UpdatedBefore: anHourAgo()}} {
		q.Limit = 50
		all = append(all, question{"orders " + name, listLimit, func(ctx context.Context, i *inspect.Inspector) error { _, err := i.Orders(ctx, q); return err }})
	}
	return all
}

func aboutAudit() (all []question) {
	for name, q := range map[string]api.AuditQuery{"all": {}, "of an actor": {Actor: "anna"}, "of an actor without entries": {Actor: "ben"}, "of an action without entries": {Action: "discard"}, "of an event": {EventID: "evt_77"}, "of an order": {OrderID: "order_77"}} {
		q.Limit = 50
		all = append(all, question{"audit " + name, listLimit, func(ctx context.Context, i *inspect.Inspector) error { _, err := i.Audit(ctx, q); return err }})
	}
	return all
}

// aboutOne returns the questions about one thing, and about the status.
func (s sampled) aboutOne() []question {
	event := func(id string) func(context.Context, *inspect.Inspector) error {
		return func(ctx context.Context, i *inspect.Inspector) error {
			e, err := i.Event(ctx, id)
			return complete(e.Missing, err)
		}
	}
	return []question{
		{"one event that ended", listLimit, event(s.ended)},
		{"one event that waits", listLimit, event(s.waiting)},
		{"one event in the inbox", listLimit, event("evt_inbox_7")},
		{"one event that is being applied", listLimit, event("evt_applying_7")},
		{"one order", listLimit, func(ctx context.Context, i *inspect.Inspector) error { _, err := i.Order(ctx, s.order); return err }},
		{"its timeline", listLimit, func(ctx context.Context, i *inspect.Inspector) error {
			page, err := i.Timeline(ctx, s.order, "", 50)
			return complete(page.Missing, err)
		}},
		{"what blocks an order that is missing", listLimit, func(ctx context.Context, i *inspect.Inspector) error {
			found, err := i.Blocked(ctx, s.waitedFor)
			return complete(found.Missing, err)
		}},
		{"the status", statusLimit, func(ctx context.Context, i *inspect.Inspector) error {
			s, err := i.Status(ctx)
			return complete(s.Missing, err)
		}},
		{statusAnew, statusLimit, func(ctx context.Context, i *inspect.Inspector) error {
			asks := inspect.Inspector{View: i.View, Engine: i.Engine, Patience: i.Patience}
			s, err := asks.Status(ctx)
			return complete(s.Missing, err)
		}},
	}
}

// statusAnew asks for the status when no answer of Temporal is cached, as after a while without a request. Temporal answers about ten queries
// over all workflows per second, and the status needs up to five, so the requests are this far apart.
const (
	statusAnew = "the status, with Temporal asked again"
	apart      = 600 * time.Millisecond
)

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"inorder"
	"inorder/internal/sample"
)

// chapter is one delivery of a story.
type chapter struct {
	eventType string
	after     time.Duration // when it happened, after the story's begin
	again     int           // 1-based: this earlier chapter, delivered again
	data      map[string]any
	why       string
}

// stories are small histories, in the order of their deliveries.
var stories = map[string][]chapter{
	"out-of-order": {
		{eventType: "order.paid", after: 2 * time.Minute, why: "before its order: it waits"},
		{eventType: "order.created", why: "the order: it releases the one that waits"},
		{eventType: "order.confirmed", after: 3 * time.Minute, why: "newer: applied"},
		{eventType: "order.paid", again: 1, why: "a duplicate"},
		{eventType: "order.updated", after: time.Minute, why: "older than what is known: stale"},
		{eventType: "fulfillment.shipped", after: 6 * time.Minute, why: "arrives before fulfillment.created"},
		{eventType: "fulfillment.created", after: 5 * time.Minute, why: "older than shipped: stale"},
	},
	"refunds": {
		{eventType: "order.created", why: "the order"},
		{eventType: "payment.completed", after: time.Minute, why: "its payment"},
		{eventType: "payment.refunded", after: 9 * time.Minute, why: "a refund"},
		{eventType: "payment.refunded", after: 8 * time.Minute, why: "an older one, delivered later: refunds add up"},
		{eventType: "payment.refunded", again: 3, why: "the first one again: it counts once"},
	},
	"waiting": {
		{eventType: "order.paid", why: "its order never comes: signal `retry` or `discard` in the Temporal UI"},
	},
	"attention": {
		{eventType: "order.created", after: 100 * 365 * 24 * time.Hour, why: "dated in 100 years: a person must look"},
		{eventType: "order.paid", data: map[string]any{"id": nil}, why: "without an order: a person must look"},
	},
}

func storyNames() string { return strings.Join(slices.Sorted(maps.Keys(stories)), ", ") }

// tellStory posts a story's deliveries one after the other, and shows what each was answered and what became of it.
func tellStory(ctx context.Context, out io.Writer, to sender, db *pgxpool.Config, name, order string) error {
	chapters, ok := stories[name]
	if !ok {
		return fmt.Errorf("there is no story %q: there are %s", name, storyNames())
	}
	if order == "" {
		order = sample.NewID("order_")
	}
	begin := time.Now().Add(-10 * time.Minute)
	fmt.Fprintf(out, "Story %q, order %s\n\n", name, order)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "event\ttype\thappened\tanswer\t")
	var bodies [][]byte
	for _, c := range chapters {
		body := sample.Event(sample.Options{Type: c.eventType, OrderID: order, At: begin.Add(c.after), Data: c.data})
		if c.again > 0 {
			body = bodies[c.again-1]
		}
		bodies = append(bodies, body)
		a, err := to.post(ctx, body)
		if err != nil {
			return err
		}
		e, _ := inorder.ParseEvent(body)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Type, e.OccurredAt.Format("2006-01-02 15:04:05"), a, c.why)
		if a.status/100 != 2 {
			w.Flush()
			return fmt.Errorf("refused: %s", a)
		}
	}
	w.Flush()
	if db == nil {
		fmt.Fprintln(out, "\nSet DATABASE_URL to see what became of it.")
		return nil
	}
	return showEnd(ctx, out, db, order, bodies)
}

// settleTime is how long a story's end is waited for. Events that wait, or need attention, never have one.
const settleTime = 5 * time.Second

const (
	storyEventsSQL = `
SELECT event_id, outcome, detail FROM webhook_events WHERE event_id = any($1)
UNION ALL
SELECT event_id, phase, 'its order has not been created yet' FROM pending_events WHERE event_id = any($1)`

	storyOrderSQL = `
SELECT coalesce(status, '-'), coalesce(payment_status, '-'), coalesce(fulfillment_status, '-'),
       coalesce((SELECT sum(refunded_amount) FROM order_refunds WHERE order_id = o.id), 0)::bigint
FROM orders o WHERE id = $1`
)

func showEnd(ctx context.Context, out io.Writer, db *pgxpool.Config, order string, bodies [][]byte) error {
	pool, err := pgxpool.NewWithConfig(ctx, db)
	if err != nil {
		return err
	}
	defer pool.Close()
	var ids []string
	for _, body := range bodies {
		if e, _ := inorder.ParseEvent(body); !slices.Contains(ids, e.ID) {
			ids = append(ids, e.ID)
		}
	}
	ends, err := awaitEnds(ctx, pool, ids)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nWhat became of each event:")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, id := range ids {
		end, ok := ends[id]
		if !ok {
			end = storyEnd{Outcome: "no end yet", Detail: "look it up in the Temporal UI by its ID"}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", id, end.Outcome, end.Detail)
	}
	w.Flush()

	var status, payment, fulfillment string
	var refunded int64
	err = pool.QueryRow(ctx, storyOrderSQL, order).Scan(&status, &payment, &fulfillment, &refunded)
	if err == pgx.ErrNoRows {
		fmt.Fprintf(out, "\nOrder %s does not exist.\n", order)
		return nil
	}
	fmt.Fprintf(out, "\nOrder %s: status %s, payment %s, fulfillment %s, refunded %d\n", order, status, payment, fulfillment, refunded)
	return err
}

type storyEnd struct{ EventID, Outcome, Detail string }

func awaitEnds(ctx context.Context, pool *pgxpool.Pool, ids []string) (map[string]storyEnd, error) {
	for deadline := time.Now().Add(settleTime); ; {
		rows, err := pool.Query(ctx, storyEventsSQL, ids)
		if err != nil {
			return nil, err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByName[storyEnd])
		if err != nil {
			return nil, err
		}
		ends, settled := map[string]storyEnd{}, len(all) == len(ids)
		for _, end := range all {
			ends[end.EventID] = end
			settled = settled && end.Outcome != "waiting"
		}
		if settled || time.Now().After(deadline) {
			return ends, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

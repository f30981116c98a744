package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// filledParts returns the parts that compare the program on full tables with itself on empty ones.
func filledParts() []part {
	return []part{
		{name: "closed loop", subjects: []string{workflowEach, workflowEachFilled}, loads: []load{oneSender, senders16}, rounds: 12},
		{name: "bursts", subjects: []string{serve, serveFilled}, loads: []load{burst, mixed}, rounds: 12},
	}
}

// fillSQL inserts 200,000 orders, 1,000,000 processed events and 100,000 waiting ones from the last weeks, each about a kilobyte, like the
// platform's. They are too young for the purge, and the waiting ones were seen just now, so that no sweep restarts them. Their IDs are
// distributed like those of new events and orders, so that new ones fall between them in every index.
var fillSQL = []string{
	`CREATE FUNCTION pg_temp.id(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
		SELECT prefix || left(translate(md5(n::text), '0123456789abcdef', '2357acegikmoqsuy'), 16) $$`,
	`CREATE FUNCTION pg_temp.body(event text, order_id text, at timestamptz) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('id', event, 'type', 'order.updated', 'created_at', at, 'store_id', 'store_demo',
			'data', jsonb_build_object('id', order_id, 'status', 'confirmed', 'payment_status', 'paid', 'fulfillment_status', 'unfulfilled', 'email', order_id || '@example.com',
			'total', jsonb_build_object('amount', 42000, 'currency', 'KRW'), 'note', (SELECT string_agg(md5(event || n), '') FROM generate_series(1, 20) n))) $$`,
	`INSERT INTO orders (id, store_id, number, status, payment_status, fulfillment_status, total_amount, currency, data, status_at, payment_at, fulfillment_at,
			data_at, data_rank, data_event_id, last_webhook_at, payments_listed_at, fulfillments_listed_at, refunds_listed_at, created_at)
		SELECT pg_temp.id('order_', n), 'store_demo', n, 'confirmed', 'paid', 'unfulfilled', 42000, 'KRW', pg_temp.body(pg_temp.id('evt_', n), pg_temp.id('order_', n), at) -> 'data',
			at, at, at, at, 1, pg_temp.id('evt_', n), at, at, at, at, at
		FROM (SELECT n, now() - n * interval '10 seconds' AS at FROM generate_series(1, 200000) n) AS orders`,
	`INSERT INTO webhook_events (event_id, type, order_id, outcome, occurred_at, received_at, processed_at, payload, body_hash)
		SELECT id, 'order.updated', order_id, 'applied', at, at, at, pg_temp.body(id, order_id, at), sha256(id::bytea)
		FROM (SELECT pg_temp.id('evt_', n) AS id, pg_temp.id('order_', n % 200000 + 1) AS order_id, now() - n * interval '2 seconds' - interval '1 minute' AS at FROM generate_series(1, 1000000) n) AS events`,
	`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
		SELECT id, order_id, 'order.paid', body, convert_to(body::text, 'UTF8'), at, at, 'waiting'
		FROM (SELECT id, order_id, at, pg_temp.body(id, order_id, at) AS body
			FROM (SELECT pg_temp.id('evt_', n) AS id, pg_temp.id('order_', n) AS order_id, now() - (n - 2000000) * interval '1 second' AS at
				FROM generate_series(2000001, 2100000) n) AS times) AS events`,
	`VACUUM (ANALYZE) orders, webhook_events, pending_events`, // so that no autovacuum runs during measurements
	`CHECKPOINT`,
}

// share returns a statement of fillSQL, changed to insert 1/of of the rows.
func share(sql string, of int) string {
	n := func(rows int) string { return strconv.Itoa(rows / of) }
	return strings.NewReplacer("2000000", "2000000", "2000001", "2000001", "2100000", strconv.Itoa(2000000+100000/of), "1000000", n(1000000), "200000", n(200000)).Replace(sql)
}

// fill fills the tables of a migrated database with 1/of of the rows, on one connection, because the statements use temporary functions.
func fill(ctx context.Context, pool *pgxpool.Pool, of int) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, sql := range fillSQL {
		if _, err := conn.Exec(ctx, share(sql, of)); err != nil {
			return err
		}
	}
	return nil
}

// runFilled measures and prints how much more an event takes on full tables than on empty ones.
func (b *bench) runFilled(ctx context.Context) error {
	b.results.begin("filled", b.version)
	for _, p := range filledParts() {
		if err := b.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	file, err := b.results.write(b.folder)
	if err != nil {
		return err
	}
	fmt.Printf("\nWith 1,000,000 processed and 100,000 waiting events and 200,000 orders, relative to empty tables (medians of %d rounds, with bounds at %.0f %%):\n\n| | %s",
		b.results.rounds(), 100*confidence, "events/s on empty / full tables |")
	for _, g := range guarded {
		fmt.Printf(" %s |", g.name)
	}
	fmt.Println("\n|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, c := range [][2]string{{workflowEach, workflowEachFilled}, {serve, serveFilled}} {
		for _, l := range []load{oneSender, senders16, burst, mixed} {
			empty, full := b.results.measured(c[0], l), b.results.measured(c[1], l)
			if empty == nil || full == nil {
				continue
			}
			fmt.Printf("| %s, %s | %s / %s |", c[0], l.name, rate(empty.median(applied)), rate(full.median(applied)))
			for _, g := range guarded {
				grown, _ := ratio(full, empty, g.of)
				fmt.Printf(" %s |", grown)
			}
			fmt.Println()
		}
	}
	fmt.Fprintln(os.Stderr, "Results:", file)
	return nil
}

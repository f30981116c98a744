package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"inorder/activities"
	"inorder/workflows"
)

// purged is the subject that purges payloads after ten days, and rows after thirty.
const purged = "inorder serve, purging"

// purgeFillSQL inserts $1 events that ended $2 days ago, about a kilobyte each, in the order in which they ended, as in production.
const purgeFillSQL = `
INSERT INTO webhook_events (event_id, type, order_id, outcome, occurred_at, received_at, processed_at, payload, body_hash)
SELECT id, 'order.updated', 'order_' || left(md5(n::text), 16), 'applied', at, at, at,
       jsonb_build_object('id', id, 'type', 'order.updated', 'created_at', at, 'store_id', 'store_demo', 'data', jsonb_build_object('id', 'order_' || n, 'status', 'confirmed',
           'note', (SELECT string_agg(md5(id || k), '') FROM generate_series(1, 25) k))), sha256(id::bytea)
FROM (SELECT n, 'evt_' || left(md5($2::integer::text || n), 20) AS id, now() - make_interval(days => $2::integer) + n * interval '10 milliseconds' AS at FROM generate_series(1, $1::integer) n) AS events
ON CONFLICT DO NOTHING`

// purgeRates are the loads during a purge, in events per second: one that Temporal can take, and one that goes mostly through the inbox.
var purgeRates = []int{80, 400}

// stretch is how long a load is posted between two checks whether the purge has ended.
const stretch = 5 * time.Second

// runPurge measures the acknowledgements before, during and after a purge of n rows and of n payloads.
func (b *bench) runPurge(ctx context.Context, n int, calm time.Duration) error {
	on, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer on.Stop()
	d := design{migrate: b.program, commands: [][]string{{"env", "EVENT_RETENTION=720h", "PAYLOAD_RETENTION=240h", b.program, "serve"}}}
	s, err := b.startSubject(ctx, on, purged, d, 0, false)
	defer s.stop()
	if err != nil {
		return err
	}
	c, err := client.Dial(client.Options{HostPort: on.TemporalAddress, Namespace: "bench_0", Logger: sdklog.NewStructuredLogger(discard)})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Printf("A purge of %d rows and %d payloads:\n\n| load | p50 before, ms | during | after | p99 before, ms | during | after | p99 during / before | the purge took | WAL meanwhile |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", n, n)
	for _, rate := range purgeRates {
		if err := s.purgeUnder(ctx, c, rate, n, calm); err != nil {
			return fmt.Errorf("at %d/s: %w", rate, err)
		}
	}
	return nil
}

func purgeFlags() (rows *int, calm *time.Duration) {
	return flag.Int("purge", 0, "instead: measure acknowledgements while this many rows and this many payloads are purged"),
		flag.Duration("calm", 30*time.Second, "with -purge: how long acknowledgements are measured before and after the purge")
}

// purgeUnder measures a purge under one load, and prints a line of the table.
func (s *subject) purgeUnder(ctx context.Context, c client.Client, rate, n int, calm time.Duration) error {
	if err := s.fillToPurge(ctx, n); err != nil {
		return err
	}
	if _, err := s.acksFor(ctx, rate, stretch, nil); err != nil { // to warm up
		return err
	}
	before, err := s.acksFor(ctx, rate, calm, nil)
	if err != nil {
		return err
	}
	from, err := s.written(ctx)
	if err != nil {
		return err
	}
	var result activities.PurgeResult
	var took time.Duration
	ended, errs := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ended)
		began := time.Now()
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: fmt.Sprint("bench-purge-", rate), TaskQueue: "bench_0"}, workflows.PurgeEventsType)
		if err == nil {
			err = run.Get(ctx, &result)
		}
		took = time.Since(began)
		errs <- err
	}()
	during, err := s.acksFor(ctx, rate, 0, ended)
	if err := cmp.Or(err, <-errs); err != nil {
		return err
	}
	to, err := s.written(ctx)
	if err != nil {
		return err
	}
	if int(result.Deleted) < n || int(result.Payloads) < n {
		return fmt.Errorf("the purge deleted %d rows and %d payloads, not %d of each", result.Deleted, result.Payloads, n)
	}
	after, err := s.acksFor(ctx, rate, calm, nil)
	if err != nil {
		return err
	}
	b50, b99, _ := quantiles(before)
	d50, d99, _ := quantiles(during)
	a50, a99, _ := quantiles(after)
	fmt.Printf("| %d/s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.2f | %s | %.0f MB |\n", rate, b50, d50, a50, b99, d99, a99, d99/b99, took.Round(100*time.Millisecond), to-from)
	return nil
}

// fillToPurge inserts n rows that are due for deletion, and n whose payloads are.
func (s *subject) fillToPurge(ctx context.Context, n int) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM webhook_events WHERE payload_removed_at IS NOT NULL`); err != nil { // left over from the previous load
		return err
	}
	for _, days := range []int{40, 20} {
		if _, err := s.pool.Exec(ctx, purgeFillSQL, n, days); err != nil {
			return err
		}
	}
	// Otherwise the purge would continue where it stopped, after these rows, and a vacuum or a checkpoint could start while we measure.
	for _, sql := range []string{`DELETE FROM purge_progress`, `VACUUM (ANALYZE) webhook_events`, `CHECKPOINT`} {
		if _, err := s.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// written returns how much WAL has been written so far, in MB (2^20 bytes).
func (s *subject) written(ctx context.Context) (mb float64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT (pg_current_wal_lsn() - '0/0')::float8 / 1048576`).Scan(&mb)
	return mb, err
}

// acksFor posts new orders at a rate, until until is closed or, if it is nil, for lasts. It returns the acknowledgement times.
func (s *subject) acksFor(ctx context.Context, rate int, lasts time.Duration, until <-chan struct{}) (acks []time.Duration, err error) {
	for begin := time.Now(); ; {
		l := open(rate, stretch)
		sent, err := l.post(ctx, s.url, l.deliveries())
		if err != nil {
			return nil, err
		}
		if sent.refused > 0 {
			return nil, fmt.Errorf("%d deliveries were refused", sent.refused)
		}
		acks = slices.Concat(acks, sent.acks)
		select {
		case <-until:
			return acks, nil
		default:
			if until == nil && time.Since(begin) >= lasts {
				return acks, nil
			}
		}
	}
}

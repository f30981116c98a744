package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/procfs"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"inorder"
	"inorder/internal/config"
	"inorder/internal/inspect"
	"inorder/internal/store/view"
	"inorder/workflows"
)

// fillViewsSQL adds to fill's rows what the first page of each list and view searches: an inbox, rare outcomes, stuck events and events in
// attention, audited actions, and traffic.
var fillViewsSQL = []string{
	`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before)
		SELECT 'evt_inbox_' || n, 'order_inbox_' || n / 2, convert_to('{"id":"evt_inbox_' || n || '","type":"order.paid","created_at":"2025-01-15T10:00:00Z","data":{"order_id":"order_inbox_' || n / 2 || '","note":"' || repeat('x', 900) || '"}}', 'UTF8'),
			now() - n * interval '10 milliseconds', now() + interval '1 day' FROM generate_series(1, 20000) n`,
	`UPDATE webhook_events SET outcome = 'stale', detail = 'something newer was known' WHERE event_id IN (SELECT event_id FROM webhook_events TABLESAMPLE SYSTEM (5))`,
	`UPDATE webhook_events SET outcome = 'discarded', type = 'order.rare' WHERE event_id IN (SELECT event_id FROM webhook_events ORDER BY processed_at LIMIT 5)`,
	`UPDATE pending_events SET phase = 'stuck' WHERE event_id IN (SELECT event_id FROM pending_events ORDER BY received_at LIMIT 3000)`,
	`INSERT INTO pending_events (event_id, type, phase, detail, received_at, body) SELECT 'evt_attention_' || n, 'order.paid', 'attention', 'there is no order ID', now() - n * interval '1 minute', '{"type":"order.paid"}' FROM generate_series(1, 300) n`,
	`INSERT INTO audit_log (actor, action, event_id, order_id, via, result) SELECT 'anna', 'retry', 'evt_' || n, 'order_' || n / 5, 'api', 'signaled' FROM generate_series(1, 100000) n`,
	`INSERT INTO traffic_minutes (minute, process, kind, name, count) SELECT date_trunc('minute', now()) - m * interval '1 minute', ('00000000-0000-0000-0000-00000000000' || p)::uuid, 'delivery', 'result_' || r, 7
		FROM generate_series(0, 119) m, generate_series(1, 5) p, generate_series(1, 7) r`,
	`VACUUM (ANALYZE)`,
	`CHECKPOINT`,
}

// applyingAtOnce is how many events are known only to Temporal and are in no table.
const applyingAtOnce = 300

// question is a request of an operator, with the limit for its p95.
type question struct {
	name  string
	limit time.Duration
	ask   func(context.Context, *inspect.Inspector) error
}

// runLists measures the first page of every list, every view of one thing, and the status, on full tables.
func (b *bench) runLists(ctx context.Context, each int) error {
	on, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer on.Stop()
	i, pool, err := b.inspector(ctx, on)
	if err != nil {
		return err
	}
	defer pool.Close()
	sample, err := samples(ctx, pool, b.share)
	if err != nil {
		return err
	}
	fmt.Printf("With %d processed and %d waiting events, %d orders and an inbox of 20000, each view read %d times:\n\n| | p50, ms | p95, ms | worst, ms | CPU of both servers, ms | must be |\n|---|---:|---:|---:|---:|---|\n",
		1_000_000/b.share, 100_000/b.share, 200_000/b.share, each)
	for _, q := range sample.questions() {
		rest := time.Duration(0)
		if q.name == statusAnew {
			rest = apart
		}
		took, cpu, err := on.timed(each, rest, func() error { return q.ask(ctx, i) })
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		p95 := took[len(took)*95/100]
		verdict := "under"
		if p95 >= q.limit {
			verdict = "**not** under"
		}
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.1f | %s %s |\n", q.name, ms(took[len(took)/2]), ms(p95), ms(took[len(took)-1]), ms(cpu), verdict, q.limit)
	}
	return nil
}

// timed asks times times, resting before each. It returns the sorted durations, and the servers' mean processor time of one, 0 without /proc.
func (s servers) timed(times int, rest time.Duration, ask func() error) (took []time.Duration, cpu time.Duration, err error) {
	for range 3 { // to warm up: these open connections
		if err := ask(); err != nil {
			return nil, 0, err
		}
	}
	before, err := s.cpu()
	if err != nil {
		return nil, 0, err
	}
	for range times {
		time.Sleep(rest)
		begin := time.Now()
		if err := ask(); err != nil {
			return nil, 0, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	after, err := s.cpu()
	return took, (after - before) / time.Duration(times), err
}

func (s servers) cpu() (time.Duration, error) {
	if _, err := procfs.Self(); err != nil {
		return 0, nil
	}
	temporal, err := cpuOf([]int{s.Temporal.PID()}, false)
	if err != nil {
		return 0, err
	}
	postgres, err := cpuOf([]int{s.Postgres.PID()}, true)
	return temporal + postgres, err
}

// inspector returns an inspector of a full database and of the default namespace, and the database's pool.
func (b *bench) inspector(ctx context.Context, on servers) (*inspect.Inspector, *pgxpool.Pool, error) {
	const id = "lists"
	url, err := on.newDatabase(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	migrate := exec.CommandContext(ctx, b.program, "migrate")
	migrate.Env = append(os.Environ(), "DATABASE_URL="+url, "TEMPORAL_ADDRESS="+on.TemporalAddress, "TEMPORAL_NAMESPACE="+client.DefaultNamespace, "TASK_QUEUE="+id)
	if out, err := migrate.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("%s migrate: %w\n%s", b.program, err, out)
	}
	cfg, err := config.PoolConfig(url)
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, pool, b.share); err != nil {
		return nil, nil, err
	}
	for _, sql := range fillViewsSQL {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return nil, nil, fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	c, err := client.Dial(client.Options{HostPort: on.TemporalAddress, Namespace: client.DefaultNamespace, Logger: sdklog.NewStructuredLogger(discard)})
	if err != nil {
		return nil, nil, err
	}
	events := workflows.Events{Client: c, Namespace: client.DefaultNamespace, TaskQueue: id}
	return &inspect.Inspector{View: view.New(pool), Engine: events, Patience: time.Minute}, pool, startApplying(ctx, events)
}

// startApplying starts workflows that no worker executes, and returns when Temporal lists them.
func startApplying(ctx context.Context, events workflows.Events) error {
	for n := range applyingAtOnce {
		body := fmt.Appendf(nil, `{"id":"evt_applying_%d","type":"order.paid","created_at":"2025-01-15T10:00:00Z","data":{"order_id":"order_applying_%d"}}`, n, n/3)
		e, err := inorder.ParseEvent(body)
		if err != nil {
			return err
		}
		e.ReceivedAt = time.Now()
		if err := events.Start(ctx, e); err != nil {
			return err
		}
	}
	return poll(ctx, 100*time.Millisecond, func() (bool, error) {
		n, err := events.Client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: events.Namespace, Query: "WorkflowType = 'ProcessEvent'"})
		return n.GetCount() == applyingAtOnce, err
	})
}

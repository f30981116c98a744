package main

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"inorder/activities"
	"inorder/internal/config"
	"inorder/receiver"
	"inorder/worker"
)

type serveCmd struct{}

func (serveCmd) Help() string {
	return "Receives from the first moment on; applies as soon as PostgreSQL and Temporal are there.\n\n" +
		"Settings: WEBHOOK_SECRETS and DATABASE_URL (needed), LISTEN_ADDR, MAX_BODY_BYTES, TEMPORAL_*, TASK_QUEUE, EVENT_RETENTION, " +
		"REDELIVERY_HORIZON, PENDING_RECHECK, STUCK_AFTER, PENDING_TTL, MAX_EVENT_SKEW, LOG_LEVEL, LOG_FORMAT."
}

// Run shares one Temporal client between receiver and worker, which is what makes eager start work: the first workflow
// task comes back with the start's answer. On a signal the receiver stops first, so that the worker has what was accepted.
func (serveCmd) Run(ctx context.Context) error {
	n, err := open(ctx, config.NeedDatabase|config.NeedSecrets)
	if err != nil {
		return err
	}
	defer n.close()
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer stopWork()
		return n.receive(ctx)
	})
	g.Go(func() error { return n.work(work) })
	return g.Wait()
}

type receiverCmd struct{}

func (receiverCmd) Help() string {
	return "Needs Temporal and no database.\n\nSettings: WEBHOOK_SECRETS (needed), LISTEN_ADDR, MAX_BODY_BYTES, TEMPORAL_*, TASK_QUEUE, LOG_LEVEL, LOG_FORMAT."
}

func (receiverCmd) Run(ctx context.Context) error {
	n, err := open(ctx, config.NeedSecrets)
	if err != nil {
		return err
	}
	defer n.close()
	return n.receive(ctx)
}

type workerCmd struct{}

func (workerCmd) Help() string {
	return "Needs Temporal and PostgreSQL, and waits for both.\n\nSettings: DATABASE_URL (needed), TEMPORAL_*, TASK_QUEUE, EVENT_RETENTION, " +
		"REDELIVERY_HORIZON, PENDING_RECHECK, STUCK_AFTER, PENDING_TTL, MAX_EVENT_SKEW, LOG_LEVEL, LOG_FORMAT."
}

func (workerCmd) Run(ctx context.Context) error {
	n, err := open(ctx, config.NeedDatabase)
	if err != nil {
		return err
	}
	defer n.close()
	return n.work(ctx)
}

// node is a process and what it is connected to. Nothing is connected yet when it is opened, so that it can start while
// its servers are down.
type node struct {
	cfg      config.Config
	log      *slog.Logger
	temporal client.Client
	pool     *pgxpool.Pool // nil where no database is needed
}

func open(ctx context.Context, need config.Need) (*node, error) {
	cfg, err := config.Load(need)
	if err != nil {
		return nil, err
	}
	n := &node{cfg: cfg, log: cfg.Logger()}
	if n.temporal, err = newTemporal(cfg, n.log); err != nil {
		return nil, err
	}
	if need&config.NeedDatabase != 0 {
		if n.pool, err = pgxpool.NewWithConfig(ctx, cfg.Pool); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *node) close() {
	n.temporal.Close()
	if n.pool != nil {
		n.pool.Close()
	}
}

func (n *node) receive(ctx context.Context) error {
	checks := []receiver.Check{{Name: "temporal", Needed: true, Ask: n.askTemporal}}
	if n.pool != nil {
		checks = append(checks, receiver.Check{Name: "postgres", Ask: n.pool.Ping})
	}
	app := receiver.New(receiver.Options{
		Starter:      n.temporal,
		TaskQueue:    n.cfg.TaskQueue,
		Secrets:      func() []string { return n.cfg.WebhookSecrets },
		MaxBodyBytes: n.cfg.MaxBodyBytes,
		Checks:       checks,
		Log:          n.log,
	})
	n.log.Info("receiving", "addr", n.cfg.ListenAddr, "path", receiver.WebhookPath, "version", version)
	defer n.log.Info("stopped receiving")
	return receiver.Serve(ctx, app, n.cfg.ListenAddr)
}

func (n *node) work(ctx context.Context) error {
	if err := n.awaitServers(ctx); err != nil {
		return err
	}
	n.log.Info("working", "task_queue", n.cfg.TaskQueue, "namespace", n.cfg.Temporal.Namespace, "version", version)
	defer n.log.Info("stopped working")
	return worker.Run(ctx, worker.Options{
		Client:         n.temporal,
		Pool:           n.pool,
		TaskQueue:      n.cfg.TaskQueue,
		Log:            n.log,
		MaxEventSkew:   n.cfg.MaxEventSkew,
		Wait:           activities.WaitPolicy{Recheck: n.cfg.PendingRecheck, StuckAfter: n.cfg.StuckAfter, TTL: n.cfg.PendingTTL},
		EventRetention: n.cfg.EventRetention,
	})
}

package main

import (
	"context"
	"fmt"
	"time"

	"inorder/internal/config"
	"inorder/migrations"
	"inorder/worker"
)

type migrateCmd struct {
	Wait time.Duration `default:"1m" help:"How long to wait for servers that are still starting."`
}

func (migrateCmd) Help() string {
	return "Applies the SQL migrations, registers the search attributes in Temporal's namespace, and creates or updates the schedules. " +
		"It may run any number of times, and several at once.\n\nSettings: DATABASE_URL (needed), TEMPORAL_*, TASK_QUEUE, LOG_LEVEL, LOG_FORMAT."
}

func (m migrateCmd) Run(ctx context.Context) error {
	n, err := open(ctx, config.NeedDatabase)
	if err != nil {
		return err
	}
	defer n.close()
	ctx, cancel := context.WithTimeout(ctx, m.Wait)
	defer cancel()
	if err := n.retry(ctx, "PostgreSQL", n.pool.Ping); err != nil {
		return fmt.Errorf("no answer from PostgreSQL within %s: %w", m.Wait, err)
	}
	if err := n.retry(ctx, "Temporal", n.askTemporal); err != nil {
		return fmt.Errorf("no answer from Temporal within %s: %w", m.Wait, err)
	}
	// From here on nothing is interrupted half-way by the wait's end.
	ctx = context.WithoutCancel(ctx)
	if err := migrations.Apply(ctx, n.pool, n.log); err != nil {
		return err
	}
	if err := worker.Provision(ctx, n.temporal, n.cfg.Temporal.Namespace, n.cfg.TaskQueue, n.log); err != nil {
		return err
	}
	n.log.Info("up to date")
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder/internal/config"
	"inorder/migrations"
	"inorder/worker"
)

// newTemporal returns a client that connects when it is first used.
func newTemporal(cfg config.Config, logger *slog.Logger) (client.Client, error) {
	o := cfg.Temporal
	o.Logger = log.NewStructuredLogger(logger)
	c, err := client.NewLazyClient(o)
	if err != nil {
		return nil, fmt.Errorf("set up Temporal's client: %w", err)
	}
	return c, nil
}

func (n *node) askTemporal(ctx context.Context) error {
	_, err := n.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// awaitServers returns once PostgreSQL and Temporal answer and have what this program needs. While one of them is away
// it says so and asks again; when one of them was not migrated it returns an error that names the command.
func (n *node) awaitServers(ctx context.Context) error {
	err := n.retry(ctx, "PostgreSQL", func(ctx context.Context) error { return migrations.Check(ctx, n.pool) })
	if err != nil {
		return err
	}
	return n.retry(ctx, "Temporal", func(ctx context.Context) error {
		return worker.Check(ctx, n.temporal, n.cfg.Temporal.Namespace)
	})
}

// retry asks until the answer is a lasting one, with a log line each time and a pause that grows from 0.5 to 10 s.
func (n *node) retry(ctx context.Context, server string, ask func(context.Context) error) error {
	pause := 500 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := askFor(ctx, 5*time.Second, ask)
		var (
			schema   *migrations.OlderSchemaError
			temporal *worker.NotProvisionedError
		)
		if err == nil || ctx.Err() != nil || errors.As(err, &schema) || errors.As(err, &temporal) {
			return errors.Join(err, ctx.Err())
		}
		n.log.Warn(server+" does not answer; trying again", "attempt", attempt, "next_in", pause, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 10*time.Second)
	}
}

func askFor(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ask(ctx)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder/internal/config"
	"inorder/internal/platform"
	"inorder/migrations"
)

// clients are the settings, and what a command that ends by itself talks to. No client has connected yet.
type clients struct {
	config.Config
	pool     *pgxpool.Pool    // nil without DATABASE_URL
	temporal client.Client    // logs nothing
	platform *platform.Client // nil without HEADLESS_COMMERCE_API_KEY
}

// withClients loads the settings, runs a command with the clients that they lead to, and closes those.
func withClients(ctx context.Context, need config.Need, run func(*clients) error) error {
	settings, err := config.Load(need)
	if err != nil {
		return err
	}
	c := &clients{Config: settings}
	c.Temporal.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	if c.temporal, err = client.NewLazyClient(c.Temporal); err != nil {
		return fmt.Errorf("make the Temporal client: %w", err)
	}
	defer c.temporal.Close()
	if c.PlatformKey != "" {
		if c.platform, err = platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL}); err != nil {
			return err
		}
	}
	if c.Pool != nil {
		if c.pool, err = pgxpool.NewWithConfig(ctx, c.Pool); err != nil {
			return fmt.Errorf("make the PostgreSQL pool: %w", err)
		}
		defer c.pool.Close()
	}
	return run(c)
}

// withDatabase is withClients where PostgreSQL must be ready: its schema is this version's.
func withDatabase(ctx context.Context, need config.Need, run func(*clients) error) error {
	return withClients(ctx, need|config.NeedDatabase, func(c *clients) error {
		if err := c.checkDatabase(ctx); err != nil {
			return err
		}
		return run(c)
	})
}

func (c *clients) checkDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := migrations.Check(ctx, c.pool)
	_, older := errors.AsType[*migrations.OlderSchemaError](err)
	_, encoding := errors.AsType[*migrations.EncodingError](err)
	if err == nil || older || encoding {
		return err
	}
	return fmt.Errorf("PostgreSQL does not answer; is DATABASE_URL right, and does it run? %s", strings.Join(strings.Fields(err.Error()), " "))
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"inorder/activities"
	"inorder/internal/admin"
	"inorder/internal/config"
	"inorder/internal/loglimit"
	"inorder/internal/platform"
	"inorder/internal/redelivery"
	"inorder/internal/store"
	"inorder/worker"
)

// servers are the settings, and what every command that runs for long talks to. Nothing is connected yet: a command
// starts while they are down.
type servers struct {
	config.Config
	log      *slog.Logger
	limited  *loglimit.Logger // into log, for what a sender or an outage can multiply
	temporal client.Client
	pool     *pgxpool.Pool    // nil without DATABASE_URL
	reserved *pgxpool.Pool    // on the same database, for secrets and probes, which must not wait for events
	platform *platform.Client // nil without HEADLESS_COMMERCE_API_KEY
}

// open reads the environment and says what it found. The caller closes.
func open(ctx context.Context, need config.Need, logs io.Writer) (*servers, error) {
	c, err := config.Load(need)
	if err != nil {
		return nil, err
	}
	s := &servers{Config: c, log: c.Logger(logs)}
	s.limited = loglimit.New(s.log, loglimit.Every)
	s.log.Info("inorder "+programVersion(), "temporal", c.Temporal.HostPort, "namespace", c.Temporal.Namespace, "task_queue", c.TaskQueue)

	context.AfterFunc(ctx, func() { s.log.Info("stopping: what is under way is finished; a second signal ends it at once") })

	c.Temporal.Logger = loglimit.NewSDK(s.log, s.limited)
	// Compressing a kilobyte costs both ends more than sending it within a data centre: see docs/benchmark.md.
	c.Temporal.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	if s.temporal, err = client.NewLazyClient(c.Temporal); err != nil {
		return nil, fmt.Errorf("make the Temporal client: %w", err)
	}
	if c.PlatformKey != "" {
		if s.platform, err = platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL}); err != nil {
			s.close()
			return nil, err
		}
	}
	if c.Pool == nil {
		return s, nil
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, c.Pool); err == nil {
		s.reserved, err = pgxpool.NewWithConfig(ctx, reserved(c.Pool))
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("make the PostgreSQL pool: %w", err)
	}
	return s, nil
}

// reserved is a small pool beside that of the events.
func reserved(events *pgxpool.Config) *pgxpool.Config {
	c := events.Copy()
	c.MaxConns, c.MinConns, c.MinIdleConns = 2, 0, 0
	return c
}

func (s *servers) close() {
	s.temporal.Close()
	for _, pool := range []*pgxpool.Pool{s.pool, s.reserved} {
		if pool != nil {
			pool.Close()
		}
	}
	s.limited.Flush()
}

func (s *servers) checkTemporal(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// checkPostgres asks in the way that events are applied.
func (s *servers) checkPostgres(ctx context.Context) error { return store.New(s.reserved).Ping(ctx) }

// checks are what the command's /readyz at ADMIN_ADDR looks at. Only a receiver can do without PostgreSQL.
func (s *servers) checks(needsPostgres bool) []admin.Check {
	checks := []admin.Check{{Name: "temporal", Run: s.checkTemporal, Required: true}}
	if s.reserved != nil {
		checks = append(checks, admin.Check{Name: "postgres", Run: s.checkPostgres, Required: needsPostgres})
	}
	return checks
}

// besideAdmin runs a command with the metrics and its readiness served beside it, to its end. Either one failing ends the
// other.
func (s *servers) besideAdmin(ctx context.Context, checks []admin.Check, run func(context.Context) error) error {
	if s.AdminToken != "" {
		s.log.Warn("ADMIN_TOKEN guards nothing in this version: whoever reaches ADMIN_ADDR reads the metrics there without a token", "admin_addr", s.AdminAddr)
	}
	metrics, err := admin.Listen(s.AdminAddr, checks, s.log)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return metrics.Serve(serving) })
	group.Go(func() error {
		defer stop()
		return run(running)
	})
	return group.Wait()
}

// redeliveryMetrics are those of the receiver and the worker of this process.
var redeliveryMetrics = sync.OnceValue(func() *redelivery.Metrics { return redelivery.NewMetrics(prometheus.DefaultRegisterer) })

func (s *servers) worker() worker.Options {
	return worker.Options{
		Client:       s.temporal,
		Namespace:    s.Temporal.Namespace,
		Pool:         s.pool,
		Reserved:     s.reserved,
		TaskQueue:    s.TaskQueue,
		Log:          s.log,
		Limited:      s.limited,
		Redelivery:   redeliveryMetrics(),
		MaxEventSkew: s.MaxEventSkew,
		Wait: activities.WaitPolicy{
			Recheck:    s.PendingRecheck,
			StuckAfter: s.StuckAfter,
			TTL:        s.PendingTTL,
			AskAfter:   s.ReconcileAfter,
		},
		EventRetention:    s.EventRetention,
		RedeliveryHorizon: s.RedeliveryHorizon,
		ReconcileEvery:    s.ReconcileEvery,
		ReconcileWindow:   s.ReconcileWindow,
		Platform:          s.platform,
		HookAutorepair:    s.HookAutorepair,
	}
}

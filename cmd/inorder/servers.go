package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"inorder/internal/await"
	"inorder/internal/config"
	"inorder/internal/inbox"
	"inorder/internal/loglimit"
	"inorder/internal/metrics"
	"inorder/internal/platform"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
	"inorder/migrations"
	"inorder/worker"
)

// servers has the settings, and the clients of all servers that a command may talk to. None is connected yet, so a command can
// start while servers are down.
type servers struct {
	config.Config
	log      *slog.Logger
	limited  *loglimit.Logger // into log, for what a sender or an outage can multiply
	metrics  roomMetrics
	traffic  *traffic.Recorder
	ends     *telemetry.Ends
	sampled  *loglimit.Sampled  // into log, for what is logged of every event
	tracing  *telemetry.Tracing // nil unless OTEL_* asks for it
	readings *metrics.Readings
	temporal client.Client
	pool     *pgxpool.Pool  // nil without DATABASE_URL
	reserved *pgxpool.Pool  // on the same database, for secrets, probes and the inbox's writer, which must not wait for events
	drainer  *inbox.Drainer // nil without DATABASE_URL
	// operators is for the admin API, so that neither events nor probes wait for what people ask, nor the other way round.
	operators *pgxpool.Pool
	platform  *platform.Client // nil without HEADLESS_COMMERCE_API_KEY
}

// withServers reads the environment and runs a command that logs, with all servers, which it closes afterwards.
func withServers(ctx context.Context, need config.Need, std streams, run func(*servers) error) error {
	s, err := open(ctx, need, std.err)
	if err != nil {
		return err
	}
	defer s.close()
	return run(s)
}

// withClients is withServers for a command that ends by itself, and logs nothing.
func withClients(ctx context.Context, need config.Need, run func(*servers) error) error {
	c, err := config.Load(need)
	if err != nil {
		return err
	}
	c.Traces = nil // what a person does from a shell is over at once
	s, err := connect(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer s.close()
	return run(s)
}

// withDatabase is withClients where PostgreSQL must be ready: its schema is this version's.
func withDatabase(ctx context.Context, need config.Need, run func(*servers) error) error {
	return withClients(ctx, need|config.NeedDatabase, func(s *servers) error {
		if err := s.checkDatabase(ctx); err != nil {
			return err
		}
		return run(s)
	})
}

func (s *servers) checkDatabase(ctx context.Context) error {
	if err := s.reachPostgres(ctx); err != nil {
		return err
	}
	const within = 10 * time.Second
	asking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := migrations.Check(asking, s.pool)
	_, older := errors.AsType[*migrations.OlderSchemaError](err)
	_, encoding := errors.AsType[*migrations.EncodingError](err)
	if err == nil || older || encoding {
		return err
	}
	return s.withoutPostgres(ctx, within, err)
}

// open reads the environment, logs what it found, and makes the clients. The caller closes them.
func open(ctx context.Context, need config.Need, logs io.Writer) (*servers, error) {
	c, err := config.Load(need)
	if err != nil {
		return nil, err
	}
	log := c.Logger(logs)
	if c.Traces != nil {
		log = slog.New(telemetry.LogHandler(log.Handler()))
	}
	log.Info("inorder "+programVersion(), "temporal", c.Temporal.HostPort, "namespace", c.Temporal.Namespace, "task_queue", c.TaskQueue)
	context.AfterFunc(ctx, func() { log.Info("stopping: finishing what is under way; a second signal stops at once") })
	return connect(ctx, c, log)
}

// endsPerSecond is how many ends of events a second have a line in the log; the others are counted.
const endsPerSecond = 5

// connect makes the clients. The caller closes them.
func connect(ctx context.Context, c config.Config, log *slog.Logger) (_ *servers, err error) {
	s := &servers{Config: c, log: log, limited: loglimit.New(log, loglimit.Every), metrics: newMetrics(), traffic: traffic.New(),
		sampled: loglimit.NewSampled(log, endsPerSecond, loglimit.Every)}
	s.ends = telemetry.NewEnds(s.sampled)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.trace(ctx); err != nil {
		return nil, err
	}
	s.Temporal.Logger = loglimit.NewSDK(s.log, s.limited)
	// Compressing a kilobyte costs both ends more than sending it within a data centre: see docs/benchmark.md.
	s.Temporal.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	if s.Temporal.MetricsHandler, err = metrics.ForTemporal(s.metrics.registry); err != nil {
		return nil, err
	}
	if s.temporal, err = client.NewLazyClient(s.Temporal); err != nil {
		return nil, fmt.Errorf("create the Temporal client: %w", err)
	}
	if c.PlatformKey != "" {
		s.platform, err = platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL})
	}
	if err == nil && c.Pool != nil {
		err = s.makePools(ctx)
		s.drainer = s.newDrainer()
	}
	if err != nil {
		return nil, err
	}
	s.readings = s.newReadings()
	return s, nil
}

func (s *servers) makePools(ctx context.Context) (err error) {
	few := s.Pool.Copy()
	few.MaxConns, few.MinConns, few.MinIdleConns = 4, 0, 0
	if s.pool, err = pgxpool.NewWithConfig(ctx, s.Pool); err == nil {
		s.reserved, err = pgxpool.NewWithConfig(ctx, few)
	}
	if err == nil {
		s.operators, err = pgxpool.NewWithConfig(ctx, few.Copy())
	}
	if err != nil {
		return fmt.Errorf("create the PostgreSQL pool: %w", err)
	}
	return nil
}

func (s *servers) close() {
	if s.temporal != nil {
		s.temporal.Close()
	}
	for _, pool := range []*pgxpool.Pool{s.pool, s.reserved, s.operators} {
		if pool != nil {
			pool.Close()
		}
	}
	s.sampled.Flush()
	s.tracing.Stop()
	s.limited.Flush()
}

func (s *servers) checkTemporal(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return ready.Explain(err)
}

// checkPostgres pings PostgreSQL in the way that events are applied.
func (s *servers) checkPostgres(ctx context.Context) error { return store.New(s.reserved).Ping(ctx) }

// ownerWithin is how long a command waits to learn who owns the namespace, before it starts without knowing.
const ownerWithin = 2 * time.Second

// refuseForeign returns an error if the namespace is another system's, or has no owner yet. A server that does not answer is no
// error: a receiver listens anyway, and learns the owner later.
func refuseForeign(ctx context.Context, o worker.Options) error {
	ctx, cancel := context.WithTimeout(ctx, ownerWithin)
	defer cancel()
	if err := worker.CheckOwner(ctx, o); await.IsPermanent(err) {
		return err
	}
	return nil
}

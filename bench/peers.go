package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/delivery"
	"inorder/internal/loglimit"
	"inorder/internal/redelivery"
	"inorder/internal/store"
	"inorder/migrations"
	"inorder/receiver"
	"inorder/worker"
)

// peers are what inorder is compared with. They have its receiver, and another way to the end behind it.
var peers = map[string]func(context.Context, *slog.Logger) (receiver.Starter, func(), error){
	"empty": startEmpty,
	"plain": startPlain,
}

var ended atomic.Int64

// doneVariable names where a peer reports how many events ended, if nobody else can count them.
const doneVariable = "BENCH_DONE_ADDR"

func runPeer(ctx context.Context, name string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	starter, stop, err := peers[name](ctx, logger)
	if err != nil {
		return err
	}
	defer stop()
	r := receiver.New(receiver.Options{
		Starter:      starter,
		TaskQueue:    os.Getenv("TASK_QUEUE"),
		Verifier:     delivery.Secrets{secret},
		MaxBodyBytes: 1 << 20,
		Log:          logger,
	})
	if addr := os.Getenv(doneVariable); addr != "" {
		go http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ended.Load()) }))
	}
	return r.Run(ctx, os.Getenv("LISTEN_ADDR"))
}

// Empty does nothing, with the input of ProcessEvent.
func Empty(workflow.Context, converter.RawValue, activities.Receipt) error {
	ended.Add(1)
	return nil
}

// emptyStarter starts Empty where inorder starts ProcessEvent, with the same options.
type emptyStarter struct{ client.Client }

func (s emptyStarter) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	return s.Client.ExecuteWorkflow(ctx, o, Empty, args...)
}

func startEmpty(_ context.Context, logger *slog.Logger) (receiver.Starter, func(), error) {
	o, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, nil, err
	}
	o.Logger = log.NewStructuredLogger(logger)
	o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // as inorder
	c, err := client.Dial(o)
	if err != nil {
		return nil, nil, err
	}
	w := sdk.New(c, os.Getenv("TASK_QUEUE"), sdk.Options{WorkflowTaskPollerBehavior: worker.Pollers()}) // as inorder
	w.RegisterWorkflow(Empty)
	if err := w.Start(); err != nil {
		return nil, nil, err
	}
	return emptyStarter{c}, func() { w.Stop(); c.Close() }, nil
}

// plainStarter runs the transaction itself. What it lacks is what Temporal is for: it answers only when PostgreSQL has
// answered, and an event that must wait or be retried is lost.
type plainStarter struct{ a *activities.Activities }

func (s plainStarter) ExecuteWorkflow(ctx context.Context, _ client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	receipt := args[1].(activities.Receipt)
	r, err := s.a.ApplyEvent(ctx, args[0].(converter.RawValue), activities.ApplyEventInput{Receipt: receipt})
	if err != nil {
		return nil, err
	}
	if r.Outcome != "applied" {
		return nil, fmt.Errorf("event %s: %s", receipt.EventID, r.Outcome)
	}
	ended.Add(1)
	return nil, nil
}

func startPlain(ctx context.Context, logger *slog.Logger) (receiver.Starter, func(), error) {
	pool, stop, err := ownDatabase(ctx, logger)
	if err != nil {
		return nil, nil, err
	}
	a := &activities.Activities{Store: store.New(pool), Log: logger, Limited: loglimit.New(logger, loglimit.Every), Redelivery: redelivery.NewMetrics(nil), MaxEventSkew: time.Hour,
		Wait: activities.WaitPolicy{Recheck: time.Minute, StuckAfter: time.Hour, TTL: time.Hour}}
	return plainStarter{a}, stop, nil
}

// ownDatabase is a new database on the server of DATABASE_URL, with the schema of this program's code: the measured
// inorder may be another version, which has migrated the database in DATABASE_URL to its own. stop drops it.
func ownDatabase(ctx context.Context, logger *slog.Logger) (_ *pgxpool.Pool, stop func(), err error) {
	cfg, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, nil, err
	}
	server := cfg.ConnConfig.Copy()
	cfg.ConnConfig.Database = fmt.Sprintf("bench_plain_%d", started.UnixMicro())
	cfg.MaxConns = 16 // as inorder's
	if err := execute(ctx, server, "CREATE DATABASE "+cfg.ConnConfig.Database); err != nil {
		return nil, nil, fmt.Errorf("create a database for the plain handler: %w", err)
	}
	drop := func() {
		if err := execute(context.Background(), server, "DROP DATABASE "+cfg.ConnConfig.Database); err != nil {
			logger.Error("the plain handler's database stays", "err", err)
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		drop()
		return nil, nil, err
	}
	stop = func() { pool.Close(); drop() }
	if err := migrations.Apply(ctx, pool, logger); err != nil {
		stop()
		return nil, nil, err
	}
	return pool, stop, nil
}

func execute(ctx context.Context, server *pgx.ConnConfig, sql string) error {
	conn, err := pgx.ConnectConfig(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, sql)
	return err
}

package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"inorder/activities"
	"inorder/internal/admin"
	"inorder/internal/ready"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/store"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/receiver"
	"inorder/worker"
)

// metrics are those of each room, in one registry.
type metrics struct {
	registry   *prometheus.Registry
	receiver   *receiver.Metrics
	redelivery *redelivery.Metrics
}

func newMetrics() metrics {
	r := prometheus.NewRegistry()
	return metrics{registry: r, receiver: receiver.NewMetrics(r), redelivery: redelivery.NewMetrics(r)}
}

func (s *servers) temporalName() string { return "Temporal at " + s.Temporal.HostPort }

// ready answers /readyz. Only a receiver can do without PostgreSQL, which is shown all the same, because what is accepted is
// applied only while it is there.
func (s *servers) ready(needsPostgres bool) *ready.Prober {
	checks := []ready.Check{{Name: "temporal", Server: s.temporalName(), Run: s.checkTemporal, Required: true}}
	if s.reserved != nil {
		c := s.Pool.ConnConfig
		postgres := "PostgreSQL at " + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
		checks = append(checks, ready.Check{Name: "postgres", Server: postgres, Run: s.checkPostgres, Required: needsPostgres})
	}
	return ready.New(checks, s.limited)
}

// besideAdmin runs a command to its end with its metrics and its readiness served beside it. If either one fails, the other
// ends.
func (s *servers) besideAdmin(ctx context.Context, prober *ready.Prober, run func(context.Context) error) error {
	if s.AdminToken != "" {
		s.log.Warn("ADMIN_TOKEN guards nothing in this version: whoever reaches ADMIN_ADDR reads the metrics there without a token", "admin_addr", s.AdminAddr)
	}
	server, err := admin.Listen(s.AdminAddr, prober, s.metrics.registry, s.log)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Serve(serving) })
	group.Go(func() error {
		defer stop()
		return run(running)
	})
	return group.Wait()
}

// receive runs a receiver until ctx ends.
func (s *servers) receive(ctx context.Context) error {
	ring, err := s.keyring(ctx)
	if err != nil {
		return err
	}
	if err := s.metrics.registry.Register(ring); err != nil {
		return fmt.Errorf("show the secrets' metrics: %w", err)
	}
	defer ring.Watch()()
	o := receiver.Options{
		Starter:        s.temporal,
		StarterName:    s.temporalName(),
		TaskQueue:      s.TaskQueue,
		Verifier:       ring,
		MaxBodyBytes:   s.MaxBodyBytes,
		MaxBodyMemory:  s.MaxBodyMemory,
		MaxConnections: s.MaxConnections,
		Ready:          s.ready(false),
		Metrics:        s.metrics.receiver,
		Log:            s.log,
	}
	if s.reserved != nil {
		watcher := redelivery.New(store.New(s.reserved), s.metrics.redelivery, s.limited)
		go watcher.Run(ctx)
		o.Duplicate = watcher.Duplicate
	}
	return receiver.New(o).Run(ctx, s.ListenAddr)
}

// work runs a worker until ctx ends. Its metrics are only in processes that have one.
func (s *servers) work(ctx context.Context) error {
	o := s.worker()
	o.Reconcile, o.Webhooks = reconcile.NewMetrics(s.metrics.registry), webhooks.NewMetrics(s.metrics.registry)
	return worker.Run(ctx, o)
}

func (s *servers) keyring(ctx context.Context) (*secrets.Keyring, error) {
	o := secrets.Options{Secrets: s.WebhookSecrets, File: s.SecretsFile, Log: s.log}
	if s.reserved != nil {
		o.Shared = secrets.Table{Pool: s.reserved}
	}
	return secrets.Load(ctx, o)
}

func (s *servers) worker() worker.Options {
	return worker.Options{
		Client:       s.temporal,
		Namespace:    s.Temporal.Namespace,
		Pool:         s.pool,
		Reserved:     s.reserved,
		TaskQueue:    s.TaskQueue,
		Log:          s.log,
		Limited:      s.limited,
		Redelivery:   s.metrics.redelivery,
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

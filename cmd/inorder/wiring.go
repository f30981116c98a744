package main

import (
	"context"
	"fmt"
	"sync"

	"inorder/activities"
	"inorder/internal/config"
	"inorder/internal/inbox"
	"inorder/internal/ready"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/refused"
	"inorder/internal/store"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/receiver"
	"inorder/worker"
)

// checks returns what /readyz checks. A process that receives is ready while one of its ways in is open. Without the inbox that
// is Temporal; PostgreSQL is still shown, because accepted events are applied only while it is up.
func (s *servers) checks(receives, works bool) []ready.Check {
	temporal := ready.Check{Name: "temporal", Server: s.temporalName(), Run: s.checkTemporal, Required: true}
	if s.reserved == nil {
		return []ready.Check{temporal}
	}
	postgres := ready.Check{Name: "postgres", Server: s.postgresName(), Run: s.checkPostgres, Required: works}
	if receives && s.Inbox != config.InboxOff {
		temporal.Way, temporal.Required = "temporal", false
		postgres.Way, postgres.Required = "inbox", false
	}
	return []ready.Check{temporal, postgres}
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
	box, stopInbox := s.openInbox()
	defer stopInbox()
	o := receiver.Options{
		Inbox:          box,
		Starter:        s.temporal,
		StarterName:    s.temporalName(),
		TaskQueue:      s.TaskQueue,
		Verifier:       ring,
		MaxBodyBytes:   s.MaxBodyBytes,
		MaxBodyMemory:  s.MaxBodyMemory,
		MaxConnections: s.MaxConnections,
		Ready:          ready.New(s.checks(true, false), s.limited),
		Metrics:        s.metrics.receiver,
		Traffic:        s.traffic,
		Tracing:        s.tracing,
		TrustedProxies: s.TrustedProxies,
		Log:            s.log,
	}
	if s.reserved != nil {
		watcher := redelivery.New(store.New(s.reserved), s.metrics.redelivery, s.limited)
		go watcher.Run(ctx)
		o.Duplicate = watcher.Duplicate
		keeper, stopKeeper := s.keepRefused(ring)
		defer stopKeeper()
		o.Refused = keeper
	}
	return receiver.New(o).Run(ctx, s.ListenAddr)
}

// keepRefused returns the keeper of samples of refused deliveries, and a function that ends it after the receiver.
func (s *servers) keepRefused(ring *secrets.Keyring) (*refused.Keeper, func()) {
	k := refused.New(refused.Options{Secrets: func() refused.Secrets { return refusedSecrets(ring, secrets.Unread.String) }, Table: refused.Table{DB: s.reserved},
		Metrics: s.metrics.refused, Log: s.limited})
	return k, background(k.Run)
}

// refusedSecrets returns the secrets that explain a refused delivery. say describes those of a source that could not be read.
func refusedSecrets(ring *secrets.Keyring, say func(secrets.Unread) string) (tried refused.Secrets) {
	known, unread := ring.Known()
	for _, k := range known {
		tried.Keys = append(tried.Keys, refused.Key{Secret: k.Secret, Name: k.Name, Source: k.Source, Ends: k.Ends})
	}
	for _, u := range unread {
		if tried.Untried != "" {
			tried.Untried += ", and "
		}
		tried.Untried += say(u)
	}
	return tried
}

// openInbox returns the receiver's second way in, nil without one, and a function that ends it after the receiver.
func (s *servers) openInbox() (receiver.Inbox, func()) {
	if s.reserved == nil || s.Inbox == config.InboxOff {
		return nil, func() {}
	}
	w := inbox.NewWriter(store.New(s.reserved), s.drainer.Wake)
	w.Tracing = s.tracing
	return w, background(w.Run)
}

// background runs functions until stop is called; stop returns when all have ended.
func background(run ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, r := range run {
		running.Go(func() { r(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// newDrainer returns the drainer, which empties the inbox in processes that run a worker.
func (s *servers) newDrainer() *inbox.Drainer {
	if s.pool == nil {
		return nil
	}
	return inbox.NewDrainer(inbox.Options{Store: store.New(s.pool), Start: s.events().StartOrWake, MaxEventSkew: s.MaxEventSkew,
		AllWorkflows: s.Inbox == config.InboxWorkflow, Log: s.limited, Traffic: s.traffic, Ends: s.ends, Tracing: s.tracing})
}

// work runs a worker until ctx ends. Only processes with a worker have its metrics.
func (s *servers) work(ctx context.Context) error {
	o := s.worker()
	o.Reconcile, o.Webhooks = reconcile.NewMetrics(s.metrics.registry), webhooks.NewMetrics(s.metrics.registry)
	s.readings.Expect(store.JobPurge, store.JobSweep)
	if s.platform != nil {
		s.readings.Expect(store.JobReconcile, store.JobCheckSubscription)
	}
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
		Traffic:      s.traffic,
		Ends:         s.ends,
		Tracing:      s.tracing,
		MaxEventSkew: s.MaxEventSkew,
		Wait: activities.WaitPolicy{
			Recheck:    s.PendingRecheck,
			StuckAfter: s.StuckAfter,
			TTL:        s.PendingTTL,
			AskAfter:   s.ReconcileAfter,
		},
		Retention:       s.Retention(),
		ReconcileEvery:  s.ReconcileEvery,
		ReconcileWindow: s.ReconcileWindow,
		Drainer:         s.drainer,
		Platform:        s.platform,
		HookAutorepair:  s.HookAutorepair,
		AdminURL:        s.AdminURL,
	}
}

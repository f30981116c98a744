// Package worker runs the workflows and activities: New makes a worker and registers them, Run waits for the servers and runs it.
// Provision puts into the Temporal namespace what they need.
package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"

	"inorder/activities"
	"inorder/internal/await"
	"inorder/internal/inbox"
	"inorder/internal/loglimit"
	"inorder/internal/operate"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	"inorder/internal/retention"
	"inorder/internal/store"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
	"inorder/internal/webhooks"
	"inorder/workflows"
)

// Options are what a worker needs. Durations have no defaults here: they are settings, and package config has them.
type Options struct {
	Client    client.Client // shared with the receiver where there is one, which makes eager start work
	Namespace string        // the client's
	Pool      *pgxpool.Pool
	Reserved  *pgxpool.Pool // on the same database, for what must not wait for events; nil for Pool
	TaskQueue string
	Log       *slog.Logger
	Limited   *loglimit.Logger // into Log, for what a sender or an outage can multiply

	// nil for metrics that nobody reads.
	Redelivery *redelivery.Metrics // the receiver's, where there is one
	Reconcile  *reconcile.Metrics
	Webhooks   *webhooks.Metrics
	Traffic    *traffic.Recorder
	Ends       *telemetry.Ends
	Tracing    *telemetry.Tracing

	MaxEventSkew time.Duration
	Wait         activities.WaitPolicy
	Retention    retention.Settings

	ReconcileEvery  time.Duration // of the schedule; Provision sets it
	ReconcileWindow time.Duration

	Drainer *inbox.Drainer // nil: the inbox is not drained here

	Platform       *platform.Client // nil without an API key: then nothing is asked of the platform
	HookAutorepair bool

	AdminURL string // what events in the Temporal UI link to; "" for nothing
}

// stopTimeout is how long a worker that stops waits for activities that run: longer than any transaction takes.
const stopTimeout = 10 * time.Second

// Pollers are as many as the load needs, and at least one for each partition of a task queue, of which Temporal makes
// four by default: the tasks in a partition that nobody polls wait for seconds. The SDK's default is two in all.
func Pollers() sdk.PollerBehavior {
	return sdk.NewPollerBehaviorAutoscaling(sdk.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8, MinimumNumberOfPollers: 4})
}

// cachedWorkflows is how many workflows a worker keeps in memory, each with its event, which may be a megabyte. Those of the
// fast path end within one task and need no cache; what waits for hours is loaded again when it wakes.
const cachedWorkflows = 256

// New returns a worker that is not started yet. With an API key it is two in one: the second works on the activities that
// wait for the platform.
func New(o Options) sdk.Worker {
	sdk.SetStickyWorkflowCacheSize(cachedWorkflows)
	w := sdk.New(o.Client, o.TaskQueue, sdk.Options{
		WorkerStopTimeout:          stopTimeout,
		WorkflowTaskPollerBehavior: Pollers(),
		ActivityTaskPollerBehavior: Pollers(),
		Interceptors:               []interceptor.WorkerInterceptor{workflows.LinkTo(o.AdminURL)},
	})
	workflows.Register(w)
	all := o.activities()
	w.RegisterActivity(all) // those of the platform, too: older code scheduled them here
	if o.Platform == nil {
		return w
	}
	all.Reconcile.Expect()
	return &pair{Worker: w, platform: newPlatformWorker(o, all)}
}

func (o Options) activities() *activities.Activities {
	events := workflows.Events{Client: o.Client, Namespace: o.Namespace, TaskQueue: o.TaskQueue, Tracing: o.Tracing}
	tables := store.New(o.Pool)
	operator := &operate.Operator{Store: tables, Engine: events, Traffic: o.Traffic, Ends: o.Ends}
	if o.Drainer != nil {
		operator.Due = o.Drainer.Wake
	}
	return &activities.Activities{
		Store:            tables,
		Events:           events,
		Operator:         operator,
		Log:              o.Log,
		Limited:          o.Limited,
		Redelivery:       cmp.Or(o.Redelivery, redelivery.NewMetrics(nil)),
		Traffic:          o.Traffic,
		Ends:             o.Ends,
		MaxEventSkew:     o.MaxEventSkew,
		Wait:             o.Wait,
		EventRetention:   o.Retention.Events,
		PayloadRetention: o.Retention.Payloads,
		RefusedRetention: o.Retention.Refused,
		ReconcileWindow:  o.ReconcileWindow,
		Reconcile:        cmp.Or(o.Reconcile, reconcile.NewMetrics(nil)),
		Platform:         o.Platform,
		Webhooks:         webhooks.Store{Pool: cmp.Or(o.Reserved, o.Pool)},
		WebhookMetrics:   cmp.Or(o.Webhooks, webhooks.NewMetrics(nil)),
		HookAutorepair:   o.HookAutorepair,
	}
}

// Run waits for PostgreSQL and Temporal, runs a worker until ctx ends, and returns when what the worker has begun is finished. It
// returns an error if `inorder migrate` has to run first, if the namespace belongs to another system, or if the worker can't
// start or stops by itself.
func Run(ctx context.Context, o Options) error {
	w := New(o) // which connects to nothing; but its metrics are there while it waits
	stopDraining := drain(ctx, o)
	defer stopDraining()
	if err := Await(ctx, o); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if o.Drainer != nil {
		o.Drainer.AllowStarts()
	}
	stop := make(chan any)
	defer context.AfterFunc(ctx, func() { close(stop) })()
	if err := w.Run(stop); err != nil {
		return fmt.Errorf("the worker on task queue %q stopped: %w", o.TaskQueue, err)
	}
	return nil
}

// drain drains the inbox, also while Temporal is away. It begins when PostgreSQL is there.
func drain(ctx context.Context, o Options) (stop func()) {
	if o.Drainer == nil {
		return func() {}
	}
	draining, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		if err := await.Ready(draining, slog.New(slog.DiscardHandler), "PostgreSQL", func(ctx context.Context) error { return checkDatabase(ctx, o) }); err == nil {
			o.Drainer.Run(draining)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

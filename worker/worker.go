// Package worker runs the workflows and activities: New creates a worker and registers them, Run waits for the servers and runs it.
// Provision creates what they need in the Temporal namespace.
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

// Options are what a worker needs. Durations have no defaults here: they are settings, whose defaults are in package config.
type Options struct {
	Client    client.Client // shared with the receiver where there is one, which makes eager start work
	Namespace string        // the client's
	Pool      *pgxpool.Pool
	Reserved  *pgxpool.Pool // on the same database, for what must not wait for events; default Pool
	TaskQueue string
	Log       *slog.Logger
	Limited   *loglimit.Logger // into Log, for lines that a sender or an outage can multiply

	// Each may be nil: then nobody reads those metrics.
	Redelivery *redelivery.Metrics // the receiver's, where there is one
	Reconcile  *reconcile.Metrics
	Webhooks   *webhooks.Metrics
	Traffic    *traffic.Recorder
	Ends       *telemetry.Ends
	Tracing    *telemetry.Tracing

	MaxEventSkew time.Duration
	Wait         activities.WaitPolicy
	Retention    retention.Settings

	ReconcileEvery  time.Duration // the interval of the schedule, which Provision sets
	ReconcileWindow time.Duration

	Drainer *inbox.Drainer // nil: the inbox is not drained here

	Platform       *platform.Client // nil without an API key: then the platform is never asked
	HookAutorepair bool

	AdminURL string // where events in the Temporal UI link to; "" for no links
}

// stopTimeout is how long a stopping worker waits for running activities: longer than any transaction takes.
const stopTimeout = 10 * time.Second

// Pollers returns a policy with as many pollers as the load needs, and at least one for each partition of a task queue, of
// which Temporal creates four by default: tasks in a partition without a poller wait for seconds. The SDK's default is two in all.
func Pollers() sdk.PollerBehavior {
	return sdk.NewPollerBehaviorAutoscaling(sdk.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8, MinimumNumberOfPollers: 4})
}

// cachedWorkflows is how many workflows a worker keeps in memory, each with its event, which may be a megabyte. Workflows on the
// fast path end within one task and need no cache; those that wait for hours are loaded again when they wake.
const cachedWorkflows = 256

// New returns a worker that is not started yet. With an API key, it is two workers in one: the second runs the activities that
// ask the platform for orders, see workflows.PlatformTaskQueue.
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
	// CheckSubscription runs here, and so do FetchOrder and the steps of ReconcileOrders that older code scheduled here.
	w.RegisterActivity(all)
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

// Run waits for PostgreSQL and Temporal, runs a worker until ctx ends, and returns when the worker has finished what it began. It
// returns an error if `inorder migrate` has to run first, if the namespace belongs to another system, or if the worker can't
// start or stops by itself.
func Run(ctx context.Context, o Options) error {
	w := New(o) // connects to nothing, but registers its metrics before the wait
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

// drain drains the inbox in the background, even while Temporal is away. It begins once PostgreSQL answers, and ends with stop.
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

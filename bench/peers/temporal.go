package peers

import (
	"context"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/receiver"
	"inorder/worker"
)

// workflowStarter starts another workflow in place of ProcessEvent, with the same options except for the eager start.
type workflowStarter struct {
	client.Client
	workflow any
	eager    bool
}

func (s workflowStarter) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	o.EnableEagerStart = s.eager
	return s.Client.ExecuteWorkflow(ctx, o, s.workflow, args...)
}

// Empty is a workflow that takes ProcessEvent's input and does nothing. It shows what Temporal alone costs.
func Empty(workflow.Context, converter.RawValue, activities.Receipt) error {
	ended.Add(1)
	return nil
}

func startEmpty(context.Context, *slog.Logger) (receiver.Starter, func(), error) {
	c, w, err := newWorker()
	if err != nil {
		return nil, nil, err
	}
	w.RegisterWorkflow(Empty)
	if err := w.Start(); err != nil {
		return nil, nil, err
	}
	return workflowStarter{c, Empty, true}, func() { w.Stop(); c.Close() }, nil
}

// WithActivity is a workflow that applies the event in a regular activity, as most people would write it.
func WithActivity(ctx workflow.Context, body converter.RawValue, receipt activities.Receipt) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: retryAfter, BackoffCoefficient: 1},
	})
	return workflow.ExecuteActivity(ctx, (applier).Apply, body, receipt).Get(ctx, nil)
}

// Apply is WithActivity's activity. It may run twice, like inorder's.
func (p applier) Apply(ctx context.Context, body converter.RawValue, receipt activities.Receipt) error {
	return p.apply(ctx, eventOf([]any{body, receipt}))
}

func startActivity(ctx context.Context, log *slog.Logger) (receiver.Starter, func(), error) {
	pool, err := openDatabase(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	c, w, err := newWorker()
	if err != nil {
		return nil, nil, err
	}
	w.RegisterWorkflow(WithActivity)
	w.RegisterActivity(newApplier(pool, log).Apply)
	if err := w.Start(); err != nil {
		return nil, nil, err
	}
	return workflowStarter{c, WithActivity, false}, func() { w.Stop(); c.Close(); pool.Close() }, nil
}

// newWorker returns a worker set up like inorder's: without compression, and with the same pollers.
func newWorker() (client.Client, sdk.Worker, error) {
	o, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, nil, err
	}
	o.Logger = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) // otherwise every event that must wait would be logged
	o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	c, err := client.Dial(o)
	if err != nil {
		return nil, nil, err
	}
	w := sdk.New(c, os.Getenv("TASK_QUEUE"), sdk.Options{WorkflowTaskPollerBehavior: worker.Pollers(), ActivityTaskPollerBehavior: worker.Pollers()})
	return c, w, nil
}

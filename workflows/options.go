package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How activities are run: one function for each kind of call, with its reason. activities/errors.go decides which errors are
// retried.

// fastPath runs an activity inside the workflow task, which saves three history events and two calls. It makes one attempt,
// limited well below the workflow task's ten seconds: whatever does not succeed at once takes the slow path.
func fastPath(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 3 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// slowPath runs an activity, visible in the Temporal UI, until it succeeds, however long PostgreSQL is away. The
// longest pause is short, because until then an order is not right.
func slowPath(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, time.Minute),
		Summary:             summary,
	})
}

// longRun is for an activity that reports its progress: it may take hours, but if its worker is killed, another worker
// continues after ten seconds without a heartbeat.
func longRun(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 6 * time.Hour,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, time.Minute),
		Summary:             summary,
	})
}

// orderQuestion is for asking the platform for one order while an event waits for it. The pauses are long, because
// the platform has other callers, too, and the event is applied again anyway.
func orderQuestion(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           platformQueue(ctx),
		StartToCloseTimeout: 2 * time.Minute, // including the client's own retries
		RetryPolicy:         withoutEnd(10*time.Second, 5*time.Minute),
		Summary:             "ask the platform for the order",
	})
}

// atPlatform is for the steps of a reconciliation: at most minutes of calls to the platform, retried without an end. If its
// worker is killed, another one takes over after ten seconds without a heartbeat. A step that no worker takes within an hour
// fails for good: only workers with an API key take it, and there may be none any more.
func atPlatform(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              platformQueue(ctx),
		ScheduleToStartTimeout: time.Hour,
		StartToCloseTimeout:    time.Hour,
		HeartbeatTimeout:       10 * time.Second,
		RetryPolicy:            withoutEnd(5*time.Second, 5*time.Minute),
		Summary:                summary,
	})
}

// webhookCheck is for a few calls to the platform, each of which the client retries for a minute or two. The activity's
// own retries are slow, because the platform may be refusing us for too many requests.
func webhookCheck(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 8 * time.Minute,
		RetryPolicy:         withoutEnd(10*time.Second, 5*time.Minute),
		Summary:             "compare our webhooks with the platform's",
	})
}

// withoutEnd retries until the activity succeeds or returns a non-retryable error. The pauses double, up to longest.
func withoutEnd(first, longest time.Duration) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: first, BackoffCoefficient: 2, MaximumInterval: longest}
}

func platformQueue(ctx workflow.Context) string {
	return PlatformTaskQueue(workflow.GetInfo(ctx).TaskQueueName)
}

// bulkRun is for a step of a bulk action, which ends by itself soon after its time. It is retried often, because a person waits for it.
// Stopping the bulk action waits until the step has recorded what it did.
func bulkRun(ctx workflow.Context, during time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: during + 2*time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, 15*time.Second),
		WaitForCancellation: true,
		Summary:             "act on the events",
	})
}

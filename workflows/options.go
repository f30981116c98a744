package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How activities are run: a function for each kind of call, with its reason. What an activity's error means for its retries
// is decided in activities/errors.go.

// fastPath runs an activity inside the workflow task, which saves three history events and two calls. One attempt and
// a time well below the workflow task's ten seconds: what does not work at once is for the slow path.
func fastPath(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 3 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// slowPath runs an activity until it succeeds, however long PostgreSQL is away, in sight of the Temporal UI. The
// longest pause is short, because what waits is an order that is not right yet.
func slowPath(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, time.Minute),
		Summary:             summary,
	})
}

// longRun is for an activity that reports its progress: it may take hours, but when its worker was killed the next one
// goes on after ten seconds of silence.
func longRun(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 6 * time.Hour,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, time.Minute),
		Summary:             summary,
	})
}

// orderQuestion is for asking the platform for one order, beside an event that waits for it. The pauses are long, because
// the platform answers others too, and the event is applied again by itself.
func orderQuestion(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           platformQueue(ctx),
		StartToCloseTimeout: 2 * time.Minute, // the client's own retries included
		RetryPolicy:         withoutEnd(10*time.Second, 5*time.Minute),
		Summary:             "ask the platform for the order",
	})
}

// atPlatform is for the steps of a reconciliation: minutes of calls to the platform at most, retried without an end. When
// its worker was killed the next one goes on after ten seconds of silence. One that no worker takes fails for good: only
// workers with an API key take it, and there may be none any more.
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

// webhookCheck is for a few calls to the platform, each of which is retried within itself for a minute or two. The activity's
// own retries are slow, because the platform may be refusing us for asking too much.
func webhookCheck(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 8 * time.Minute,
		RetryPolicy:         withoutEnd(10*time.Second, 5*time.Minute),
		Summary:             "compare our webhooks with the platform's",
	})
}

// withoutEnd retries until the activity succeeds or says that no retry can cure it. The pauses double, up to the longest.
func withoutEnd(first, longest time.Duration) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: first, BackoffCoefficient: 2, MaximumInterval: longest}
}

func platformQueue(ctx workflow.Context) string {
	return PlatformTaskQueue(workflow.GetInfo(ctx).TaskQueueName)
}

// bulkRun is for a step of a bulk action, which ends by itself soon after its time. It is retried often, because a person waits for it.
// Who stops the bulk waits until the step has marked what it did.
func bulkRun(ctx workflow.Context, during time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: during + 2*time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         withoutEnd(time.Second, 15*time.Second),
		WaitForCancellation: true,
		Summary:             "act on the events",
	})
}

package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder/dev/testenv"
	"inorder/internal/await"
	"inorder/internal/retention"
	"inorder/internal/sample"
	"inorder/migrations"
	"inorder/worker"
	"inorder/workflows"
)

// another returns a system in the same namespace, with a database that is no copy of o's.
func another(t *testing.T, o worker.Options) worker.Options {
	o.Pool = testenv.Pool(t, testenv.DatabaseURL(t))
	require.NoError(t, migrations.Apply(t.Context(), o.Pool, testenv.Log))
	o.TaskQueue = sample.NewID("worker-")
	return o
}

func databaseName(t *testing.T, o worker.Options) (name string) {
	require.NoError(t, o.Pool.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name))
	return name
}

func purgesOn(t *testing.T, o worker.Options) string {
	is := described(t, o.Client.ScheduleClient().GetHandle(t.Context(), workflows.PurgeScheduleID))
	return is.Schedule.Action.(*client.ScheduleWorkflowAction).TaskQueue
}

func TestANamespaceBelongsToOneDatabase(t *testing.T) {
	t.Parallel()
	first := options(t)
	second := another(t, first)
	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Provision(ctx, first))
	require.NoError(t, worker.Await(ctx, first))

	requireForeign := func(err error, owner worker.Options) {
		t.Helper()
		for _, says := range []string{"namespace", first.Namespace, databaseName(t, owner), "workflow IDs are event IDs", "TEMPORAL_NAMESPACE", "inorder migrate --take-over"} {
			require.ErrorContains(t, err, says)
		}
	}
	requireForeign(worker.Provision(ctx, second), first)
	requireForeign(worker.Await(ctx, second), first)
	requireForeign(worker.Run(ctx, second), first)
	err := worker.CheckOwner(ctx, second)
	requireForeign(err, first)
	require.True(t, await.IsPermanent(err))
	require.Equal(t, first.TaskQueue, purgesOn(t, first), "the first's schedules are as they were")

	require.NoError(t, worker.TakeOver(ctx, second))
	require.NoError(t, worker.Provision(ctx, second))
	require.NoError(t, worker.Await(ctx, second))
	require.Equal(t, second.TaskQueue, purgesOn(t, second))
	requireForeign(worker.Await(ctx, first), second)
	require.NoError(t, worker.TakeOver(ctx, second), "its own needs none")
	require.NoError(t, worker.Await(ctx, second))
}

func TestOfTwoDatabasesAtOnceOneGetsTheNamespace(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	both := []worker.Options{o, another(t, o)}
	errs := make([]error, len(both))
	var wg sync.WaitGroup
	for i, o := range both {
		wg.Go(func() { errs[i] = worker.Claim(ctx, o) })
	}
	wg.Wait()
	winner := 0
	if errs[0] != nil {
		winner = 1
	}
	require.NoError(t, errs[winner])
	require.ErrorContains(t, errs[1-winner], databaseName(t, both[winner]))
	require.NoError(t, worker.CheckOwner(ctx, both[winner]))
	require.Error(t, worker.CheckOwner(ctx, both[1-winner]))
}

func TestANamespaceOfAnOlderVersionIsMarkedByTheFirstMigrate(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Provision(ctx, o))
	mark := o.Client.ScheduleClient().GetHandle(ctx, workflows.OwnerScheduleID)
	require.NoError(t, mark.Delete(ctx)) // older versions had no mark
	require.ErrorContains(t, worker.Await(ctx, o), "run `inorder migrate`")
	require.NoError(t, worker.TakeOver(ctx, o), "there is nobody to take it from")
	require.NoError(t, worker.Provision(ctx, o))
	require.NoError(t, worker.Await(ctx, o))
}

func TestTheMarkNeverRuns(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	require.NoError(t, worker.Claim(ctx, o))
	is := described(t, o.Client.ScheduleClient().GetHandle(ctx, workflows.OwnerScheduleID))
	require.True(t, is.Schedule.State.Paused)
	require.Contains(t, is.Schedule.State.Note, "belongs")
	require.NotEmpty(t, is.Schedule.Spec.Calendars, "Temporal removes schedules without a time, once somebody ends the pause")
}

func TestAMarkThatIsNotOursIsForeign(t *testing.T) {
	t.Parallel()
	o := options(t)
	ctx := within(t, testenv.Patience)
	_, err := o.Client.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: workflows.OwnerScheduleID, Paused: true,
		Action: &client.ScheduleWorkflowAction{ID: "x", Workflow: "X", TaskQueue: "x"}})
	require.NoError(t, err)
	require.ErrorContains(t, worker.Provision(ctx, o), `the database "unknown"`)
}

func TestTheNamespacesRetentionIsToldOnce(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	o := options(t) // its namespace has a retention of a day
	ctx := within(t, testenv.Patience)
	said := func(f func(context.Context, worker.Options) error, redelivery, payloads time.Duration) []string {
		var logs testenv.Output
		o.Retention = retention.Settings{Events: 30 * day, Payloads: payloads, Redelivery: redelivery}
		o.Log = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		require.NoError(t, f(ctx, o))
		for strings.Contains(logs.String(), "retention can't be read") { // Temporal took longer than five seconds
			logs.Reset()
			require.NoError(t, f(ctx, o))
		}
		return slices.DeleteFunc(strings.Split(logs.String(), "\n"), func(line string) bool { // Temporal may be slow meanwhile, which is logged, too
			return !strings.Contains(line, "retention, 24h,")
		})
	}
	require.NoError(t, worker.Provision(ctx, o)) // returns once all of Temporal knows the namespace
	for _, f := range []func(context.Context, worker.Options) error{worker.Provision, worker.Await} {
		lines := said(f, 7*day, 30*day)
		require.Len(t, lines, 1)
		for _, says := range []string{"24h, is shorter than REDELIVERY_HORIZON, 168h", "temporal operator namespace update --namespace " + o.Namespace + " --retention 168h"} {
			require.Contains(t, lines[0], says)
		}
		require.Empty(t, said(f, day, 30*day))
		lines = said(f, 7*day, 12*time.Hour)
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "24h, is longer than PAYLOAD_RETENTION, 12h")
	}
}

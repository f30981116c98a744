package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"inorder/activities"
	"inorder/dev/standin"
	tables "inorder/internal/store"
)

// succeeded returns when a job last succeeded, according to the table.
func (s *store) succeeded(j tables.Job) (at time.Time) {
	s.t.Helper()
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), `SELECT coalesce((SELECT last_success_at FROM jobs WHERE name = $1), 'epoch')`, string(j)).Scan(&at))
	return at
}

func (s *store) try(activity any, args ...any) error {
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	_, err := env.ExecuteActivity(activity, args...)
	return err
}

func TestJobsNoteThatTheySucceeded(t *testing.T) {
	t.Parallel()
	w := newWatch(t, standin.Options{})
	now := time.Now()
	for job, run := range map[tables.Job]func() error{
		tables.JobPurge:             func() error { return w.try(w.PurgeEvents, now) },
		tables.JobReconcile:         func() error { return w.try(w.FinishReconcile, activities.FinishReconcileInput{}) },
		tables.JobCheckSubscription: func() error { return w.try(w.CheckSubscription) },
	} {
		require.NoError(t, run())
		first := w.succeeded(job)
		require.WithinDuration(t, time.Now(), first, time.Minute, job)
		require.NoError(t, run())
		require.True(t, w.succeeded(job).After(first), job)
	}
}

func TestAJobThatDidNothingOrFailedNotesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	require.NoError(t, s.try(s.CheckSubscription), "without an API key")
	require.NoError(t, s.try(s.FinishReconcile, activities.FinishReconcileInput{Stopped: "400"}))
	_, err := s.pool.Exec(t.Context(), `DROP TABLE bulks CASCADE`)
	require.NoError(t, err)
	require.Error(t, s.try(s.PurgeEvents, time.Now()))
	for _, j := range tables.Jobs() {
		require.Zero(t, s.succeeded(j).Unix(), j)
	}
}

func TestAnOlderSuccessDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.pool.Exec(t.Context(), `INSERT INTO jobs VALUES ('sweep', now() + interval '1 hour')`) // written by a clock that has since been set back
	require.NoError(t, err)
	before := s.succeeded(tables.JobSweep)
	require.NoError(t, s.Store.Succeeded(t.Context(), tables.JobSweep))
	require.Equal(t, before, s.succeeded(tables.JobSweep))
}

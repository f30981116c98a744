package store

import (
	"context"
)

// Job is a job that a schedule starts. The names are in PostgreSQL and in the metrics, and are never changed.
type Job string

const (
	JobPurge             Job = "purge"
	JobSweep             Job = "sweep"
	JobReconcile         Job = "reconcile"
	JobCheckSubscription Job = "check_subscription"
)

// Jobs returns all jobs.
func Jobs() []Job { return []Job{JobPurge, JobSweep, JobReconcile, JobCheckSubscription} }

const succeededSQL = `
INSERT INTO jobs AS j (name, last_success_at) VALUES ($1, now())
ON CONFLICT (name) DO UPDATE SET last_success_at = excluded.last_success_at WHERE j.last_success_at < excluded.last_success_at`

// Succeeded notes that a job has just ended successfully, by PostgreSQL's clock. It may run twice: the later time stays.
func (s *Store) Succeeded(ctx context.Context, j Job) error {
	return s.exec(ctx, succeededSQL, string(j))
}

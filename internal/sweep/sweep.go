// Package sweep wakes the events that wait for an order, and brings back events that lost their workflow: somebody terminated
// or deleted it, or Temporal lost its storage. An event is brought back from its row in PostgreSQL or, if PostgreSQL never
// took it, from the input of the run that ended. The package finds, wakes and starts, and decides nothing about orders.
package sweep

import (
	"context"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/store"
	"inorder/internal/words"
)

// Run is one execution of an event's workflow.
type Run struct{ WorkflowID, RunID string }

// EventID returns the ID of the run's event.
func (r Run) EventID() string { return EventID(r.WorkflowID) }

// Engine is what a sweep and a release need of Temporal. Every method may be called again. Methods that return a page
// return a nil next after the last one. The ID of a workflow is the event's, or that of its replay.
type Engine interface {
	// Revive starts the workflow of an event that has not ended, whatever became of an earlier run. started is false if
	// one is running.
	Revive(ctx context.Context, e inorder.Event, workflowID string) (started bool, err error)
	// Wake signals the workflow that the event's order exists. alive is false if none is running.
	Wake(ctx context.Context, workflowID string) (alive bool, err error)
	// Retry signals the workflow to apply the event again, whatever its phase; no person asked for it. alive is false if none is running.
	Retry(ctx context.Context, workflowID string) (alive bool, err error)
	// Running reports whether the workflow is running.
	Running(ctx context.Context, workflowID string) (bool, error)
	// InAttention returns a page of the runs of events that need a person.
	InAttention(ctx context.Context, page []byte) (runs []Run, next []byte, err error)
	// Lost returns a page of the events' runs that closed without a result since a time.
	Lost(ctx context.Context, since time.Time, page []byte) (runs []Run, next []byte, err error)
	// Input returns the event that a run was started with, under the ID that the input names; found is false if Temporal has forgotten it.
	Input(ctx context.Context, r Run) (e inorder.Event, found bool, err error)
}

// Sweep is one sweep. It may run beside other sweeps and beside everything that happens to the events meanwhile: a
// workflow that is started once too often finds what was recorded.
type Sweep struct {
	Store  *store.Store
	Engine Engine

	// All asks Temporal about every waiting event. A scheduled sweep asks only about events whose row was not seen for
	// UnseenFor, and wakes only events whose order has existed for a while.
	All bool
	// Since bounds the runs that ended without a result: those that ended before it don't count.
	Since time.Time
	// Retention is how old an event may be to be brought back: the row that keeps an older one from a second effect may
	// be gone.
	Retention time.Duration
	Now       time.Time

	// Progress is called after every page; it may be nil.
	Progress func(Report)

	report Report
	inARow int // failures since something worked
}

const (
	// UnseenFor is how long a row may go unseen: a waiting event rewrites its row at each attempt, at most an hour apart.
	UnseenFor = 2 * time.Hour
	// releasesItself is how long after its creation an order is left to the workflow that created it, which wakes its waiting events.
	releasesItself = 15 * time.Minute

	pageSize = 200
)

// Run sweeps. An error means that it could not go on. The report says what it did, with and without an error.
func (s *Sweep) Run(ctx context.Context) (Report, error) {
	for _, step := range []func(context.Context) error{s.waiting, s.attention, s.unrecorded, s.lost, s.releasable} {
		if err := step(ctx); err != nil {
			return s.report, err
		}
	}
	return s.report, nil
}

// bringBack starts a new workflow if none is running. seen is when a workflow last had the event, according to its
// row. find returns found as false if the event has ended meanwhile, or if nothing has it any more.
func (s *Sweep) bringBack(ctx context.Context, workflowID string, seen time.Time, find func() (e inorder.Event, found bool, err error)) error {
	running, err := s.Engine.Running(ctx, workflowID)
	if err != nil || running {
		return err
	}
	e, found, err := find()
	if err != nil || !found || s.tooOld(e, seen) {
		return err
	}
	started, err := s.Engine.Revive(ctx, e, workflowID)
	if started {
		s.report.Started++
	}
	return err
}

// Report counts what a sweep found and did.
type Report struct {
	Checked int `json:"looked"`  // waiting events, events in attention and ended runs that it checked
	Started int `json:"started"` // events for which it started a new workflow
	Woken   int `json:"woken"`   // waiting events whose order exists, and whose workflow it signaled

	TooOld int      `json:"too_old,omitempty"` // events without a workflow that are older than the retention, and are left alone
	Failed int      `json:"failed,omitempty"`  // events that it could not bring back
	Notes  []string `json:"notes,omitempty"`   // which and why, of the first few
}

const (
	maxNotes = 10
	// maxInARow failures end a sweep: a server that is away fails for every event. The next sweep goes on.
	maxInARow = 10
)

// count counts an event that was checked. One event's error does not end the sweep; many in a row do.
func (s *Sweep) count(ctx context.Context, eventID string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.report.Checked++
	if err == nil {
		s.inARow = 0
		return nil
	}
	s.report.Failed++
	s.note("event %s: %v", eventID, err)
	if s.inARow++; s.inARow >= maxInARow {
		return fmt.Errorf("%s in a row could not be brought back: %w", words.Count(s.inARow, "event"), err)
	}
	return nil
}

// tooOld reports whether an event without a workflow is left alone because of its age, and counts it then. The row that says that it has ended is kept for
// the retention and retention.Slack, and may be gone. An event is not too old if a person has retried or replayed it since, or if it has waited since.
//
// The clock counts, not the time for which the sweep was scheduled: the sweep may have been held up since, and a purge not.
func (s *Sweep) tooOld(e inorder.Event, seen time.Time) bool {
	now := s.Now
	if clock := time.Now(); clock.After(now) {
		now = clock
	}
	oldest := now.Add(-s.Retention)
	if !e.ReceivedAt.Before(oldest) || !e.RetriedAt.Before(oldest) || !seen.Before(oldest) {
		return false
	}
	s.report.TooOld++
	s.note("event %s has no workflow, and is not brought back: it was received at %s, longer ago than EVENT_RETENTION",
		e.ID, e.ReceivedAt.UTC().Format(time.RFC3339))
	return true
}

func (s *Sweep) note(format string, args ...any) {
	if len(s.report.Notes) < maxNotes {
		s.report.Notes = append(s.report.Notes, inorder.Bounded(fmt.Sprintf(format, args...)))
	}
}

func (s *Sweep) progress() {
	if s.Progress != nil {
		s.Progress(s.report)
	}
}

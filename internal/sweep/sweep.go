// Package sweep brings back the events that lost their workflow: somebody terminated or deleted it, or Temporal lost its
// storage. What PostgreSQL knows of an event is enough; of one that PostgreSQL never took there is the input of the run
// that ended. It looks and starts, and decides nothing about orders.
package sweep

import (
	"context"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/store"
)

// Run is one execution of an event's workflow.
type Run struct{ EventID, RunID string }

// Engine is what a sweep needs of Temporal. Every method may be called again.
type Engine interface {
	// Revive starts the workflow of an event that has not ended, whatever became of an earlier one. started is false if one
	// is running.
	Revive(ctx context.Context, e inorder.Event) (started bool, err error)
	// Wake tells the event's workflow to look again. alive is false if none is running.
	Wake(ctx context.Context, eventID string) (alive bool, err error)
	// Running reports whether the event's workflow is running.
	Running(ctx context.Context, eventID string) (bool, error)
	// Lost are runs of events that ended without a result since a time, a page at a time; next is nil after the last.
	Lost(ctx context.Context, since time.Time, page []byte) (runs []Run, next []byte, err error)
	// Input is the event that a run was started with; found is false if Temporal has forgotten it.
	Input(ctx context.Context, r Run) (e inorder.Event, found bool, err error)
}

// Sweep is one sweep. It is safe beside others and beside everything that happens to the events meanwhile: a workflow that
// is started once too often finds what was recorded.
type Sweep struct {
	Store  *store.Store
	Engine Engine

	// All asks for every waiting event, where a scheduled sweep goes by when its row was last seen.
	All bool
	// Since is from when on runs are looked at that ended without a result; Retention is how old an event may be that is
	// brought back: the row that keeps an older one from a second effect may be gone.
	Since     time.Time
	Retention time.Duration
	Now       time.Time

	// Progress is told after every page; it may be nil.
	Progress func(Report)

	report Report
}

// Report counts what a sweep found and did.
type Report struct {
	Looked  int `json:"looked"`  // waiting events, events in attention and ended runs that it looked at
	Started int `json:"started"` // events whose workflow it started anew
	Woken   int `json:"woken"`   // waiting events whose order is there, and which it told so

	Failed int      `json:"failed,omitempty"` // events that it could not bring back
	Notes  []string `json:"notes,omitempty"`  // why, of the first few
}

const (
	// UnseenFor is how long a row may go unseen: a waiting event rewrites its row at each look, at most an hour apart.
	UnseenFor = 2 * time.Hour
	pageSize  = 200
	maxNotes  = 10
)

// Run sweeps. Its error means that it could not go on; what it did is in the report either way.
func (s *Sweep) Run(ctx context.Context) (Report, error) {
	for _, step := range []func(context.Context) error{s.waiting, s.attention, s.lost, s.releasable} {
		if err := step(ctx); err != nil {
			return s.report, err
		}
	}
	return s.report, nil
}

// waiting brings back the waiting events that no workflow looks at.
func (s *Sweep) waiting(ctx context.Context) error {
	unseen := UnseenFor
	if s.All {
		unseen = 0
	}
	return s.eachRow(ctx, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.Unseen(ctx, unseen, after, s.oldest(), pageSize)
	}, s.bringBack)
}

// attention asks for the events that need a person one by one: they are few, and look at nothing by themselves.
func (s *Sweep) attention(ctx context.Context) error {
	return s.eachRow(ctx, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.InAttention(ctx, after, s.oldest(), pageSize)
	}, s.bringBack)
}

// releasable wakes the events whose order is there: the workflow that was to wake them was ended.
func (s *Sweep) releasable(ctx context.Context) error {
	return s.eachRow(ctx, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.Releasable(ctx, after, s.oldest(), pageSize)
	}, func(ctx context.Context, eventID string) error {
		alive, err := s.Engine.Wake(ctx, eventID)
		if err != nil {
			return err
		}
		if !alive {
			return s.revive(ctx, eventID)
		}
		s.report.Woken++
		return nil
	})
}

func (s *Sweep) eachRow(ctx context.Context, read func(after store.PendingRow) ([]store.PendingRow, error), do func(context.Context, string) error) error {
	for after := (store.PendingRow{}); ; {
		page, err := read(after)
		if err != nil {
			return fmt.Errorf("read the events that wait or need a person: %w", err)
		}
		for _, row := range page {
			after = row
			s.report.Looked++
			s.note(row.EventID, do(ctx, row.EventID))
		}
		if err := s.endPage(ctx); err != nil {
			return err
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// bringBack starts the event's workflow anew if none is running.
func (s *Sweep) bringBack(ctx context.Context, eventID string) error {
	running, err := s.Engine.Running(ctx, eventID)
	if err != nil || running {
		return err
	}
	return s.revive(ctx, eventID)
}

// revive starts the event's workflow anew from its row, unless it has ended meanwhile.
func (s *Sweep) revive(ctx context.Context, eventID string) error {
	e, found, err := s.Store.Pending(ctx, eventID)
	if err != nil || !found {
		return err
	}
	return s.start(ctx, e)
}

func (s *Sweep) start(ctx context.Context, e inorder.Event) error {
	started, err := s.Engine.Revive(ctx, e)
	if started {
		s.report.Started++
	}
	return err
}

// lost brings back the events of runs that ended without a result, and of which PostgreSQL has no end.
func (s *Sweep) lost(ctx context.Context) error {
	for page := []byte(nil); ; {
		runs, next, err := s.Engine.Lost(ctx, s.Since, page)
		if err != nil {
			return err
		}
		ended, err := s.ended(ctx, runs)
		if err != nil {
			return err
		}
		for _, r := range runs {
			s.report.Looked++
			if !ended[r.EventID] {
				s.note(r.EventID, s.bringBackLost(ctx, r))
			}
		}
		if err := s.endPage(ctx); err != nil || next == nil {
			return err
		}
		page = next
	}
}

func (s *Sweep) ended(ctx context.Context, runs []Run) (map[string]bool, error) {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.EventID
	}
	ends, err := s.Store.Ends(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read which events have ended: %w", err)
	}
	ended := make(map[string]bool, len(ends))
	for _, e := range ends {
		ended[e.EventID] = true
	}
	return ended, nil
}

func (s *Sweep) bringBackLost(ctx context.Context, r Run) error {
	running, err := s.Engine.Running(ctx, r.EventID)
	if err != nil || running {
		return err
	}
	e, found, err := s.Engine.Input(ctx, r)
	if err != nil || !found || e.ReceivedAt.Before(s.oldest()) {
		return err
	}
	return s.start(ctx, e)
}

func (s *Sweep) oldest() time.Time { return s.Now.Add(-s.Retention) }

// note keeps an error of one event from ending the sweep.
func (s *Sweep) note(eventID string, err error) {
	if err == nil {
		return
	}
	s.report.Failed++
	if len(s.report.Notes) < maxNotes {
		s.report.Notes = append(s.report.Notes, inorder.Bounded(fmt.Sprintf("event %s: %v", eventID, err)))
	}
}

func (s *Sweep) endPage(ctx context.Context) error {
	if s.Progress != nil {
		s.Progress(s.report)
	}
	return ctx.Err()
}

// Package sweep wakes the events that wait for an order, and brings back those that lost their workflow: somebody terminated
// or deleted it, or Temporal lost its storage. What PostgreSQL knows of an event is enough; of one that PostgreSQL never took
// there is the input of the run that ended. It looks, wakes and starts, and decides nothing about orders.
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

// Engine is what is needed of Temporal. Every method may be called again.
type Engine interface {
	// Revive starts the workflow of an event that has not ended, whatever became of an earlier one. started is false if one
	// is running.
	Revive(ctx context.Context, e inorder.Event) (started bool, err error)
	// Wake tells the event's workflow that its order is there. alive is false if none is running.
	Wake(ctx context.Context, eventID string) (alive bool, err error)
	// Retry tells the event's workflow to look again, whatever its phase. alive is false if none is running.
	Retry(ctx context.Context, eventID string) (alive bool, err error)
	// Running reports whether the event's workflow is running.
	Running(ctx context.Context, eventID string) (bool, error)
	// InAttention are events whose workflow is running in attention, a page at a time; next is nil after the last.
	InAttention(ctx context.Context, page []byte) (events []string, next []byte, err error)
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

	// All asks for every waiting event, where a scheduled sweep goes by when its row was last seen, and by how long its order
	// has been there.
	All bool
	// Since is from when on runs are looked at that ended without a result; Retention is how old an event may be that is
	// brought back: the row that keeps an older one from a second effect may be gone.
	Since     time.Time
	Retention time.Duration
	Now       time.Time

	// Progress is told after every page; it may be nil.
	Progress func(Report)

	report Report
	inARow int // failures since something worked
}

// Report counts what a sweep found and did.
type Report struct {
	Looked  int `json:"looked"`  // waiting events, events in attention and ended runs that it looked at
	Started int `json:"started"` // events whose workflow it started anew
	Woken   int `json:"woken"`   // waiting events whose order is there, and which it told so

	TooOld int      `json:"too_old,omitempty"` // events without a workflow that are older than the retention, and stay so
	Failed int      `json:"failed,omitempty"`  // events that it could not bring back
	Notes  []string `json:"notes,omitempty"`   // which and why, of the first few
}

const (
	// UnseenFor is how long a row may go unseen: a waiting event rewrites its row at each look, at most an hour apart.
	UnseenFor = 2 * time.Hour
	// releasesItself is how long after its creation an order is left to the workflow that created it, which wakes what waits.
	releasesItself = 15 * time.Minute

	pageSize = 200
	maxNotes = 10
	// A server that is away fails for every event: the sweep ends, and the next one goes on.
	maxInARow = 10
)

// Run sweeps. Its error means that it could not go on; what it did is in the report either way.
func (s *Sweep) Run(ctx context.Context) (Report, error) {
	for _, step := range []func(context.Context) error{s.waiting, s.attention, s.unrecorded, s.lost, s.releasable} {
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
		return s.Store.Unseen(ctx, unseen, after, pageSize)
	})
}

// attention asks for the events that need a person one by one: they are few, and look at nothing by themselves.
func (s *Sweep) attention(ctx context.Context) error {
	return s.eachRow(ctx, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.InAttention(ctx, after, pageSize)
	})
}

func (s *Sweep) eachRow(ctx context.Context, read func(after store.PendingRow) ([]store.PendingRow, error)) error {
	for after := (store.PendingRow{}); ; {
		page, err := read(after)
		if err != nil {
			return fmt.Errorf("read the events that wait or need a person: %w", err)
		}
		for _, row := range page {
			after = row
			if err := s.did(ctx, row.EventID, s.bringBack(ctx, row)); err != nil {
				return err
			}
		}
		s.tell()
		if len(page) < pageSize {
			return nil
		}
	}
}

// bringBack starts the event's workflow anew from its row if none is running.
func (s *Sweep) bringBack(ctx context.Context, row store.PendingRow) error {
	running, err := s.Engine.Running(ctx, row.EventID)
	if err != nil || running {
		return err
	}
	if s.tooOld(row.EventID, row.ReceivedAt) {
		return nil
	}
	e, found, err := s.Store.Pending(ctx, row.EventID)
	if err != nil || !found { // it has ended meanwhile
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

func (s *Sweep) tooOld(eventID string, receivedAt time.Time) bool {
	if !receivedAt.Before(s.Now.Add(-s.Retention)) {
		return false
	}
	s.report.TooOld++
	s.note("event %s has no workflow, and was received at %s: what is older than EVENT_RETENTION is not brought back",
		eventID, receivedAt.UTC().Format(time.RFC3339))
	return true
}

// unrecorded has the events in attention look again that have no row: older programs parked them in Temporal alone.
func (s *Sweep) unrecorded(ctx context.Context) error {
	for page := []byte(nil); ; {
		events, next, err := s.Engine.InAttention(ctx, page)
		if err != nil {
			return err
		}
		recorded, err := s.Store.Recorded(ctx, events)
		if err != nil {
			return fmt.Errorf("read which events are recorded: %w", err)
		}
		for _, id := range events {
			if recorded[id] {
				continue
			}
			_, err := s.Engine.Retry(ctx, id)
			if err := s.did(ctx, id, err); err != nil {
				return err
			}
		}
		if s.tell(); next == nil {
			return nil
		}
		page = next
	}
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
			err := error(nil)
			if !ended[r.EventID] {
				err = s.bringBackLost(ctx, r)
			}
			if err := s.did(ctx, r.EventID, err); err != nil {
				return err
			}
		}
		if s.tell(); next == nil {
			return nil
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
	if err != nil || !found || s.tooOld(r.EventID, e.ReceivedAt) {
		return err
	}
	return s.start(ctx, e)
}

// releasable wakes the events whose order is there: the workflow that was to wake them was ended.
func (s *Sweep) releasable(ctx context.Context) error {
	created := releasesItself
	if s.All {
		created = 0
	}
	for after := ""; ; {
		orders, err := s.Store.Releasable(ctx, created, after, pageSize)
		if err != nil {
			return fmt.Errorf("read the orders that events wait for: %w", err)
		}
		for _, order := range orders {
			after = order
			r := Release{Store: s.Store, Engine: s.Engine, OrderID: order, Moved: func(Place) { s.tell() }}
			if err := r.Run(ctx); err != nil {
				return err
			}
			s.report.Woken += r.Place.Woken
			if err := r.Failure(); err != nil {
				s.report.Failed += r.Place.Failed
				s.note("order %s: %v", order, err)
			}
		}
		if len(orders) < pageSize {
			return nil
		}
	}
}

// did counts an event that was looked at. One event's error does not end the sweep; many in a row do.
func (s *Sweep) did(ctx context.Context, eventID string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.report.Looked++
	if err == nil {
		s.inARow = 0
		return nil
	}
	s.report.Failed++
	s.note("event %s: %v", eventID, err)
	if s.inARow++; s.inARow >= maxInARow {
		return fmt.Errorf("%d events in a row could not be brought back: %w", s.inARow, err)
	}
	return nil
}

func (s *Sweep) note(format string, args ...any) {
	if len(s.report.Notes) < maxNotes {
		s.report.Notes = append(s.report.Notes, inorder.Bounded(fmt.Sprintf(format, args...)))
	}
}

func (s *Sweep) tell() {
	if s.Progress != nil {
		s.Progress(s.report)
	}
}

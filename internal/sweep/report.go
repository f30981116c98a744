package sweep

import (
	"context"
	"fmt"
	"time"

	"inorder"
)

// Report counts what a sweep found and did.
type Report struct {
	Checked int `json:"looked"`  // waiting events, events in attention and ended runs that it checked
	Started int `json:"started"` // events whose workflow it started anew
	Woken   int `json:"woken"`   // waiting events whose order is there, and whose workflow it signaled

	TooOld int      `json:"too_old,omitempty"` // events without a workflow that are older than the retention, and stay so
	Failed int      `json:"failed,omitempty"`  // events that it could not bring back
	Notes  []string `json:"notes,omitempty"`   // which and why, of the first few
}

const (
	maxNotes = 10
	// maxInARow ends a sweep: a server that is away fails for every event. The next sweep goes on.
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
		return fmt.Errorf("%d events in a row could not be brought back: %w", s.inARow, err)
	}
	return nil
}

// tooOld reports whether an event without a workflow is left alone, and counts it then.
func (s *Sweep) tooOld(eventID string, receivedAt time.Time) bool {
	if !receivedAt.Before(s.Now.Add(-s.Retention)) {
		return false
	}
	s.report.TooOld++
	s.note("event %s has no workflow, and was received at %s: what is older than EVENT_RETENTION is not brought back",
		eventID, receivedAt.UTC().Format(time.RFC3339))
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

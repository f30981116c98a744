package activities

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"inorder/internal/store"
	"inorder/internal/sweep"
)

// SweepEventsInput is the time of a sweep, and the time from which on it considers runs that ended.
type SweepEventsInput struct {
	Now time.Time `json:"now"`
	// Since is when the sweep before this one began; zero for none.
	Since time.Time `json:"since,omitzero"`
}

// SweepEventsResult is what a sweep found and did.
type SweepEventsResult struct {
	sweep.Report
	BeganAt    time.Time `json:"began_at"` // the Since of the next sweep
	FinishedAt time.Time `json:"finished_at"`
}

// sweepOverlap is how far a sweep looks back before Since, because Temporal's listings lag behind.
const sweepOverlap = 10 * time.Minute

// SweepEvents brings back the events that lost their workflow, and returns what it found and did: see package sweep. An event
// that can't be brought back now is left to the next sweep. It may run twice: running workflows are left alone.
func (a *Activities) SweepEvents(ctx context.Context, in SweepEventsInput) (SweepEventsResult, error) {
	s := sweep.Sweep{Store: a.Store, Engine: a.Events, Since: in.Since.Add(-sweepOverlap), Retention: a.EventRetention, Now: in.Now}
	if in.Since.IsZero() {
		s.Since = in.Now.Add(-a.EventRetention)
	}
	var progress atomic.Pointer[sweep.Report]
	progress.Store(&sweep.Report{})
	s.Progress = func(r sweep.Report) { progress.Store(&r) }
	defer heartbeat(ctx, func() any { return progress.Load() })()

	report, err := s.Run(ctx)
	if err != nil {
		return SweepEventsResult{}, fmt.Errorf("sweep events: %w", err)
	}
	if err := a.Store.Succeeded(ctx, store.JobSweep); err != nil {
		return SweepEventsResult{}, fmt.Errorf("record that the sweep succeeded: %w", err)
	}
	counts := []any{"looked", report.Checked, "started", report.Started, "woken", report.Woken, "too_old", report.TooOld, "failed", report.Failed, "notes", report.Notes}
	switch {
	case report.Started+report.Failed+report.TooOld > 0:
		a.Log.Warn("events had lost their workflow", counts...)
	case report.Woken > 0:
		a.Log.Info("woke events that were still waiting although their order exists", counts...)
	}
	return SweepEventsResult{Report: report, BeganAt: in.Now, FinishedAt: time.Now().UTC()}, nil
}

package sweep

import (
	"context"
	"fmt"
	"time"

	"inorder"
)

// What only Temporal has: events in attention without a row, and runs that ended without a result.

// unrecorded retries the runs in attention that no row of pending_events names. Older versions kept such events in
// Temporal alone. An event that was discarded while Temporal was away has no such row either; the retry ends its run.
func (s *Sweep) unrecorded(ctx context.Context) error {
	list := func(page []byte) ([]Run, []byte, error) { return s.Engine.InAttention(ctx, page) }
	return s.eachRun(ctx, list, func(r Run, workflows map[string]string) error {
		if workflows[r.EventID()] == r.WorkflowID {
			return nil
		}
		_, err := s.Engine.Retry(ctx, r.WorkflowID)
		return s.count(ctx, r.EventID(), err)
	})
}

// lost brings back the events of runs that ended without a result, unless PostgreSQL knows that the event has ended or goes on in
// another workflow. A replay is brought back only if its event waits for it: a replay that was ended before it began is not repeated.
func (s *Sweep) lost(ctx context.Context) error {
	list := func(page []byte) ([]Run, []byte, error) { return s.Engine.Lost(ctx, s.Since, page) }
	return s.eachRun(ctx, list, func(r Run, workflows map[string]string) error {
		workflowID, known := workflows[r.EventID()]
		if isReplay := r.WorkflowID != r.EventID(); workflowID != r.WorkflowID && (known || isReplay) {
			return s.count(ctx, r.EventID(), nil)
		}
		return s.count(ctx, r.EventID(), s.bringBack(ctx, r.WorkflowID, time.Time{}, func() (inorder.Event, bool, error) {
			if e, found, err := s.Store.Pending(ctx, r.EventID()); found || err != nil { // a person may have corrected it
				return e.Event, found, err
			}
			return s.Engine.Input(ctx, r)
		}))
	})
}

// eachRun calls f for the runs of all pages, with the workflows of their events as far as PostgreSQL knows: see store.Recorded.
func (s *Sweep) eachRun(ctx context.Context, list func(page []byte) ([]Run, []byte, error), f func(Run, map[string]string) error) error {
	for page, more := []byte(nil), true; more; more = page != nil {
		runs, next, err := list(page)
		if err != nil {
			return err
		}
		ids := make([]string, len(runs))
		for i, r := range runs {
			ids[i] = r.EventID()
		}
		workflows, err := s.Store.Recorded(ctx, ids)
		if err != nil {
			return fmt.Errorf("read which events are recorded: %w", err)
		}
		for _, r := range runs {
			if err := f(r, workflows); err != nil {
				return err
			}
		}
		s.progress()
		page = next
	}
	return nil
}

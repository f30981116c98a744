package sweep

import (
	"context"
	"fmt"

	"inorder"
)

// What only Temporal has: events in attention without a row, and runs that ended without a result.

// unrecorded retries the events in attention that have no row: older programs kept them in Temporal alone.
func (s *Sweep) unrecorded(ctx context.Context) error {
	for page, more := []byte(nil), true; more; more = page != nil {
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
			if err := s.count(ctx, id, err); err != nil {
				return err
			}
		}
		s.progress()
		page = next
	}
	return nil
}

// lost brings back the events of runs that ended without a result, unless PostgreSQL knows how the event ended.
func (s *Sweep) lost(ctx context.Context) error {
	for page, more := []byte(nil), true; more; more = page != nil {
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
				err = s.bringBack(ctx, r.EventID, func() (inorder.Event, bool, error) { return s.Engine.Input(ctx, r) })
			}
			if err := s.count(ctx, r.EventID, err); err != nil {
				return err
			}
		}
		s.progress()
		page = next
	}
	return nil
}

func (s *Sweep) ended(ctx context.Context, runs []Run) (map[string]bool, error) {
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.EventID)
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

package sweep

import (
	"context"
	"fmt"
)

// What only Temporal knows: events in attention without a row, and runs that ended without a result.

// unrecorded retries the events in attention that have no row: older programs kept them in Temporal alone.
func (s *Sweep) unrecorded(ctx context.Context) error {
	read := func(page []byte) ([]string, []byte, error) { return s.Engine.InAttention(ctx, page) }
	return eachPage(s, read, func(events []string) error {
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
		return nil
	})
}

// lost brings back the events of runs that ended without a result, unless PostgreSQL knows how the event ended.
func (s *Sweep) lost(ctx context.Context) error {
	read := func(page []byte) ([]Run, []byte, error) { return s.Engine.Lost(ctx, s.Since, page) }
	return eachPage(s, read, func(runs []Run) error {
		ended, err := s.ended(ctx, runs)
		if err != nil {
			return err
		}
		for _, r := range runs {
			err := error(nil)
			if !ended[r.EventID] {
				err = s.bringBackRun(ctx, r)
			}
			if err := s.count(ctx, r.EventID, err); err != nil {
				return err
			}
		}
		return nil
	})
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

// bringBackRun starts the event's workflow anew from the run's input if none is running.
func (s *Sweep) bringBackRun(ctx context.Context, r Run) error {
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

// eachPage handles every page of one of Temporal's listings.
func eachPage[T any](s *Sweep, read func(page []byte) (list []T, next []byte, err error), handle func([]T) error) error {
	for page := []byte(nil); ; {
		list, next, err := read(page)
		if err != nil {
			return err
		}
		if err := handle(list); err != nil {
			return err
		}
		if s.progress(); next == nil {
			return nil
		}
		page = next
	}
}

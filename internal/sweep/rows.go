package sweep

import (
	"context"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/store"
)

// What PostgreSQL has: events that wait or need a person, and orders that events still wait for.

// waiting brings back the waiting events that no workflow has tried to apply for a long time.
func (s *Sweep) waiting(ctx context.Context) error {
	unseen := UnseenFor
	if s.All {
		unseen = 0
	}
	seenAt := func(r store.PendingRow) time.Time { return r.SeenAt } // each attempt updates it
	return s.eachRow(ctx, seenAt, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.Unseen(ctx, unseen, after, pageSize)
	})
}

// attention brings back events that need a person. It asks Temporal about each: they are few, and their workflows don't touch the rows.
func (s *Sweep) attention(ctx context.Context) error {
	never := func(store.PendingRow) time.Time { return time.Time{} }
	return s.eachRow(ctx, never, func(after store.PendingRow) ([]store.PendingRow, error) {
		return s.Store.InAttention(ctx, after, pageSize)
	})
}

func (s *Sweep) eachRow(ctx context.Context, seen func(store.PendingRow) time.Time, read func(after store.PendingRow) ([]store.PendingRow, error)) error {
	for after := (store.PendingRow{}); ; {
		page, err := read(after)
		if err != nil {
			return fmt.Errorf("read the events that wait or need a person: %w", err)
		}
		for _, row := range page {
			after = row
			find := func() (inorder.Event, bool, error) {
				e, found, err := s.Store.Pending(ctx, row.EventID)
				return e.Event, found, err
			}
			if err := s.count(ctx, row.EventID, s.bringBack(ctx, row.WorkflowID, seen(row), find)); err != nil {
				return err
			}
		}
		s.progress()
		if len(page) < pageSize {
			return nil
		}
	}
}

// releasable wakes the events whose order exists: the workflow that should have woken them was ended.
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
			r := Release{Store: s.Store, Engine: s.Engine, OrderID: order, Progress: func(Cursor) { s.progress() }}
			if err := r.Run(ctx); err != nil {
				return err
			}
			s.report.Woken += r.Cursor.Woken
			if err := r.Failure(); err != nil {
				s.report.Failed += r.Cursor.Failed
				s.note("order %s: %v", order, err)
			}
		}
		if len(orders) < pageSize {
			return nil
		}
	}
}

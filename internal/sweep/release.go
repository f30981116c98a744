package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/await"
	"inorder/internal/store"
	"inorder/internal/words"
)

const (
	// wokenAtOnce is how many events are woken at once. They all need the same order's lock, so more would only hold up
	// each other, and other orders.
	wokenAtOnce = 4
	// wokenPause is how long the woken events may take before the next ones are woken: an event that needs longer,
	// because PostgreSQL refuses it, does not hold up the others.
	wokenPause = 2 * time.Second
	wokenPoll  = 20 * time.Millisecond
)

// Release wakes every event that waits for one order, oldest first. It reads them a page at a time, without their
// bodies. It wakes the next few once the last few have ended and as much time has passed again, so that a release of
// thousands does not slow down other orders. An event that lost its workflow gets a new one from its row.
type Release struct {
	Store   *store.Store
	Engine  Engine
	OrderID string

	// Cursor is where to begin, and then how far the release has come; the zero Cursor is the beginning.
	Cursor Cursor
	// Progress is called after every event; it may be nil.
	Progress func(Cursor)

	awake []string  // woken events that may not have ended yet
	began time.Time // when the first of them was woken
	first error     // why the first event that failed could not be woken; nil if that was in an earlier attempt
}

// Cursor is how far a release has come.
type Cursor struct {
	After  store.Waiter `json:"after"` // the last event that was woken, or passed over
	Woken  int          `json:"woken"`
	Failed int          `json:"failed,omitempty"` // events that were passed over because they could not be woken
}

// Run wakes all events that wait for the order. An event that can't be woken does not hold up the others: see Failure. Run
// may run beside another release of the same order: an event that is awake already is applied once more and finds its row.
func (r *Release) Run(ctx context.Context) error {
	for {
		page, err := r.Store.Waiters(ctx, r.OrderID, r.Cursor.After, pageSize)
		if err != nil {
			return fmt.Errorf("find what waits for order %s: %w", r.OrderID, err)
		}
		if err := r.wakeAll(ctx, page); err != nil {
			return err
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// Failure returns an error that says how many events could not be woken, and why the first could not; nil if all were.
func (r *Release) Failure() error {
	if r.Cursor.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s could not be woken: %w", r.Cursor.Failed, words.Count(r.Cursor.Woken+r.Cursor.Failed, "waiting event"),
		cmp.Or(r.first, errors.New("an earlier attempt reported why")))
}

func (r *Release) wakeAll(ctx context.Context, page []store.Waiter) error {
	for _, w := range page {
		if err := r.makeRoom(ctx); err != nil {
			return err
		}
		if len(r.awake) == 0 {
			r.began = time.Now()
		}
		switch err := r.wake(ctx, w); {
		case ctx.Err() != nil:
			return ctx.Err() // whatever became of it: the next attempt begins with it
		case err != nil:
			r.Cursor.Failed++
			r.first = cmp.Or(r.first, fmt.Errorf("wake event %s: %w", w.EventID, err))
		default:
			r.Cursor.Woken++
			r.awake = append(r.awake, w.EventID)
		}
		r.Cursor.After = w
		if r.Progress != nil {
			r.Progress(r.Cursor)
		}
	}
	return nil
}

// wake signals the event's workflow. If that is gone, it starts a new one, which applies the event at once.
func (r *Release) wake(ctx context.Context, w store.Waiter) error {
	alive, err := r.Engine.Wake(ctx, w.WorkflowID)
	if err != nil || alive {
		return err
	}
	e, found, err := r.Store.Pending(ctx, w.EventID)
	if err != nil || !found { // it has ended meanwhile
		return err
	}
	_, err = r.Engine.Revive(ctx, e.Event, e.WorkflowID)
	return err
}

// makeRoom waits until at least half of the woken events have ended, or have had the time to, and then as long again:
// half of the time is left to other orders.
func (r *Release) makeRoom(ctx context.Context) error {
	if len(r.awake) < wokenAtOnce {
		return nil
	}
	for time.Since(r.began) < wokenPause {
		waiting, err := r.Store.CountWaiting(ctx, r.awake)
		if err != nil {
			return fmt.Errorf("count which of the woken events have not ended: %w", err)
		}
		if waiting <= wokenAtOnce/2 {
			break
		}
		if err := await.Sleep(ctx, wokenPoll); err != nil {
			return err
		}
	}
	if err := await.Sleep(ctx, time.Since(r.began)); err != nil {
		return err
	}
	r.awake = r.awake[:0]
	return nil
}

package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"inorder/internal/store"
)

const (
	// releasePage is how many waiting events are read at once.
	releasePage = 200
	// releaseAhead is how many are woken at once. They all want the same order's lock, so more would only be in each other's
	// way, and in that of other orders.
	releaseAhead = 4
	// releasePause is how long those that were woken may take before the next ones are: one that needs longer, because
	// PostgreSQL refuses it, does not hold up the others.
	releasePause = 2 * time.Second
	releasePoll  = 20 * time.Millisecond
)

// ReleaseWaiting wakes every event that waits for the order, the oldest first, and answers how many it woke. It reads
// them a page at a time, without their bodies. It wakes the next few when the last few have ended and as much time has
// passed again, so that a release of thousands leaves other orders their pace. One that lost its workflow is started anew
// from its row. One that cannot be woken does not hold up the others.
//
// It may run twice: an event that is awake already looks once more and finds itself applied. An attempt goes on where the
// one before had come to; after one that failed for some, the next begins anew, and finds those that still wait.
func (a *Activities) ReleaseWaiting(ctx context.Context, orderID string) (int, error) {
	r := &release{a: a}
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &r.progress) // what cannot be read begins anew
	}
	r.advance(r.progress)
	stop := beat(ctx, func() any { return r.heartbeat.Load() })
	defer stop()
	for {
		page, err := a.Store.Waiters(ctx, orderID, r.progress.After, releasePage)
		if err != nil {
			return 0, fmt.Errorf("find what waits for order %s: %w", orderID, err)
		}
		if err := r.wakeAll(ctx, page); err != nil {
			return 0, err
		}
		if len(page) < releasePage {
			break
		}
	}
	if r.progress.Failed > 0 {
		stop()
		activity.RecordHeartbeat(ctx, releaseProgress{})
		return 0, r.failure()
	}
	return r.progress.Woken, nil
}

// releaseProgress is the heartbeat of ReleaseWaiting.
type releaseProgress struct {
	After  store.Waiter `json:"after"` // the last one that was woken, or passed over
	Woken  int          `json:"woken"`
	Failed int          `json:"failed,omitempty"` // those that were passed over because they could not be woken
}

// release is one attempt of ReleaseWaiting.
type release struct {
	a         *Activities
	progress  releaseProgress
	heartbeat atomic.Pointer[releaseProgress]
	awake     []string  // that may not have ended yet
	began     time.Time // when the first of them was woken
	first     error     // why the first that failed could not be woken; nil if that was in an earlier attempt
}

func (r *release) failure() error {
	return fmt.Errorf("%d of %d waiting events could not be woken: %w", r.progress.Failed, r.progress.Woken+r.progress.Failed,
		cmp.Or(r.first, errors.New("an earlier attempt said why")))
}

func (r *release) advance(to releaseProgress) {
	r.progress = to
	r.heartbeat.Store(&to)
}

func (r *release) wakeAll(ctx context.Context, page []store.Waiter) error {
	for _, w := range page {
		if err := r.makeRoom(ctx); err != nil {
			return err
		}
		if len(r.awake) == 0 {
			r.began = time.Now()
		}
		now := r.progress
		now.After = w
		if err := r.wake(ctx, w.EventID); ctx.Err() != nil {
			return ctx.Err() // whatever became of it: the next attempt begins with it
		} else if err != nil {
			now.Failed++
			r.first = cmp.Or(r.first, fmt.Errorf("wake event %s: %w", w.EventID, err))
		} else {
			now.Woken++
			r.awake = append(r.awake, w.EventID)
		}
		r.advance(now)
	}
	return nil
}

// wake signals the event's workflow. One that is gone is started anew, and looks at once.
func (r *release) wake(ctx context.Context, eventID string) error {
	alive, err := r.a.Events.Wake(ctx, eventID)
	if err != nil || alive {
		return err
	}
	e, found, err := r.a.Store.Pending(ctx, eventID)
	if err != nil || !found { // it has ended meanwhile
		return err
	}
	_, err = r.a.Events.Revive(ctx, e)
	return err
}

// makeRoom waits until most of those that are awake have ended, or had the time to, and then as long again: half of the time
// is the other orders'.
func (r *release) makeRoom(ctx context.Context) error {
	if len(r.awake) < releaseAhead {
		return nil
	}
	for time.Since(r.began) < releasePause {
		waiting, err := r.a.Store.CountWaiting(ctx, r.awake)
		if err != nil {
			return fmt.Errorf("see whether the events that were woken have ended: %w", err)
		}
		if waiting <= releaseAhead/2 {
			break
		}
		if err := sleep(ctx, releasePoll); err != nil {
			return err
		}
	}
	if err := sleep(ctx, time.Since(r.began)); err != nil {
		return err
	}
	r.awake = r.awake[:0]
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

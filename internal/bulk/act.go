package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/await"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/internal/words"
)

// acted is what became of one event. The zero value means that the event was not reached.
type acted struct {
	end      store.BulkEnd // the place is 0 if the event is left for later
	doubtful bool          // it failed for an unknown reason
	busy     string        // its ID, if its order is locked
	away     error         // a server is away: this event and all others are left for later
}

// pauses are the waits between attempts of an act that fails for an unknown reason.
var pauses = []time.Duration{200 * time.Millisecond, time.Second}

// act acts on one event. It tries again what fails for an unknown reason.
func (r *Runner) act(ctx context.Context, p store.BulkPlace) acted {
	for try := 0; ; try++ {
		a := r.try(ctx, p)
		if !a.doubtful || try == len(pauses) || await.Sleep(ctx, pauses[try]) != nil {
			return a
		}
	}
}

func (r *Runner) try(ctx context.Context, p store.BulkPlace) acted {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	by := operate.Act{Actor: r.bulk.Actor, Reason: r.bulk.Reason, BulkID: r.bulk.ID, ID: r.bulk.ID + "/" + strconv.Itoa(p.Place)}
	done, err := r.do(ctx, p.EventID, by)
	end := store.BulkEnd{Place: p.Place, EventID: p.EventID, DoneAt: time.Now().UTC()}
	var (
		busy    *store.BusyError
		away    *operate.UnavailableError
		unfit   *operate.UnfitError
		unknown *operate.UnknownError
		invalid *operate.InvalidError
	)
	switch {
	case err == nil:
		end.Result = result(done)
		return acted{end: end}
	case errors.As(err, &busy):
		return acted{busy: p.EventID}
	case errors.As(err, &away):
		return acted{away: fmt.Errorf("event %s: %w", p.EventID, err)}
	case errors.As(err, &unfit), errors.As(err, &unknown):
		return r.unlessDone(ctx, end, by, err, unfit != nil && unfit.Ended)
	}
	end.Failed, end.Result = true, inorder.Bounded(err.Error())
	if store.IsLasting(err) {
		end.Result = store.Describe(err)
	}
	return acted{end: end, doubtful: !errors.As(err, &invalid) && !store.IsLasting(err)}
}

func (r *Runner) do(ctx context.Context, eventID string, by operate.Act) (api.Done, error) {
	switch api.Action(r.bulk.Action) {
	case api.Retry:
		return r.Operator.Retry(ctx, eventID, by)
	case api.Discard:
		return r.Operator.Discard(ctx, eventID, by)
	case api.Replay:
		return r.Operator.Replay(ctx, eventID, by)
	}
	return api.Done{}, &operate.InvalidError{Location: "body.action", Message: "is " + r.bulk.Action}
}

// unlessDone returns the end of an event that the action doesn't fit. Either a run that was cut off had done it and not marked it; or the event has
// ended since the set was fixed, which is all that a retry is for; or the action really doesn't fit.
func (r *Runner) unlessDone(ctx context.Context, end store.BulkEnd, by operate.Act, cause error, ended bool) acted {
	before, done, err := r.Store.Acted(ctx, by.ID)
	switch {
	case err != nil:
		return acted{away: fmt.Errorf("read what was done to event %s: %w", end.EventID, err)}
	case done:
		end.Result = before
	case ended && api.Action(r.bulk.Action) == api.Retry:
		end.Needless, end.Result = true, inorder.Bounded("not needed: "+cause.Error())
	default:
		end.Failed, end.Result = true, inorder.Bounded(cause.Error())
	}
	return acted{end: end}
}

// result returns in words what was done.
func result(d api.Done) string {
	text := cmp.Or(d.Outcome, d.Result)
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	return inorder.Bounded(text)
}

// mark writes what became of a page's events. It holds doubtful failures back until another event ends for sure, so that a fault
// that affects all events fails none of them. settle marks those that are left.
func (r *Runner) mark(ctx context.Context, page []acted) error {
	var ends []store.BulkEnd
	for _, a := range page {
		switch {
		case a.busy != "":
			r.busy = append(r.busy, a.busy)
		case a.away != nil || a.end.Place == 0:
		case a.doubtful:
			r.doubtful = append(r.doubtful, a.end)
		default:
			ends = append(ends, a.end)
		}
	}
	if len(ends) == 0 && len(r.doubtful) >= mostDoubtful {
		return fmt.Errorf("the action failed for %s in a row, first for event %s: %s", words.Count(len(r.doubtful), "event"), r.doubtful[0].EventID, r.doubtful[0].Result)
	}
	if len(ends) > 0 {
		ends, r.doubtful = append(ends, r.doubtful...), nil
	}
	return r.write(ctx, ends)
}

// settle marks the failures that are still doubtful.
func (r *Runner) settle() error {
	ends := r.doubtful
	r.doubtful = nil
	return r.write(context.Background(), ends)
}

func (r *Runner) write(ctx context.Context, ends []store.BulkEnd) error {
	if len(ends) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	if err := r.Store.MarkPlaces(ctx, r.bulk, ends); err != nil {
		return fmt.Errorf("mark what bulk %s has done: %w", r.bulk.ID, err)
	}
	for _, e := range ends {
		r.bulk.Done++
		if e.Failed {
			r.bulk.Failed++
		}
	}
	r.report()
	return nil
}

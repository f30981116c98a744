package bulk

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/internal/words"
)

// Operator acts on one event; *operate.Operator implements it.
type Operator interface {
	Retry(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
	Discard(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
	Replay(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
}

// Runner acts on the events of a bulk. Each Run needs a new Runner.
type Runner struct {
	Store    *store.Store
	Operator Operator
	// Progress is called after every few events; it may be nil.
	Progress func(Progress)

	bulk     store.Bulk
	doubtful []store.BulkEnd // failures for an unknown reason, not marked yet
	busy     []string        // events whose order is locked: they are left for later
}

// Progress is how far a bulk has come.
type Progress struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	Rate   int    `json:"rate"` // events per second
	Total  int    `json:"total"`
	Done   int    `json:"done"` // failed ones included
	Failed int    `json:"failed"`
	Ending string `json:"ending,omitempty"` // done, stopped, or "taken back" of one that never began; "" while it goes on
}

// TakenBack is the ending of a bulk that never began: whoever asked for it was told that nothing was done.
const TakenBack = "taken back"

// ProgressOf returns how far a bulk has come.
func ProgressOf(b store.Bulk) Progress {
	return Progress{Name: b.Name, Action: b.Action, Rate: b.Rate, Total: b.Total, Done: b.Done, Failed: b.Failed, Ending: b.Ending}
}

const (
	// atOnce is how many events are acted on at once. Each takes a connection for some milliseconds; live events need most connections.
	atOnce = 8
	// actTimeout bounds one act. It isn't cut short when the bulk is stopped.
	actTimeout = 20 * time.Second
	// mostDoubtful failures in a row end a run: then the fault is no single event's.
	mostDoubtful = 10
)

// LeftError says that the events that are left can't be acted on now, because their orders are locked, though all servers answer.
type LeftError struct {
	Left  int
	First string // the ID of the first
}

func (e *LeftError) Error() string {
	return fmt.Sprintf("%s; the first is %s", words.Phrase(e.Left,
		"event is left, because another session has locked its order", "events are left, because another session has locked their orders"), e.First)
}

// Run acts on the events of a bulk that are not done, in order and at the bulk's rate, for at most during, until ctx ends, or until
// the bulk is stopped; when all are done, the bulk is. It returns how far the bulk has come. An error says why it can't go on now:
// call Run again, and it continues where it was.
//
// Run may run twice, even concurrently, and may be cut off anywhere: each event's act has an ID of its own, by which it is recorded once.
func (r *Runner) Run(ctx context.Context, id string, during time.Duration) (Progress, error) {
	b, found, err := r.Store.BeginBulk(ctx, id)
	switch {
	case err != nil:
		return Progress{}, err
	case !found:
		return Progress{Ending: TakenBack}, nil
	case b.Ending != "":
		return ProgressOf(b), nil
	}
	r.bulk = b
	r.report()
	all, err := r.pages(ctx, time.Now().Add(during))
	if err == nil {
		err = r.settle()
	}
	if err == nil && all && len(r.busy) > 0 {
		err = &LeftError{Left: len(r.busy), First: r.busy[0]}
	}
	if err != nil {
		return ProgressOf(r.bulk), err
	}
	b, err = r.Store.FinishBulk(context.WithoutCancel(ctx), id)
	return ProgressOf(b), err
}

// pages acts on the events a page at a time, and reports whether it reached the last page.
func (r *Runner) pages(ctx context.Context, until time.Time) (all bool, err error) {
	limiter := rate.NewLimiter(rate.Limit(r.bulk.Rate), 1)
	for after := 0; time.Now().Before(until) && ctx.Err() == nil; {
		// A page is a second's worth of events, but at least atOnce. A stop is noticed at the next page.
		places, err := r.Store.OpenPlaces(ctx, r.bulk.ID, after, max(r.bulk.Rate, atOnce))
		if err != nil {
			return false, fmt.Errorf("read what is left of bulk %s: %w", r.bulk.ID, err)
		}
		if len(places) == 0 {
			return true, nil
		}
		if whole, err := r.page(ctx, places, limiter, until); err != nil || !whole {
			return false, err
		}
		after = places[len(places)-1].Place
	}
	return false, nil
}

// page acts on some events, at the rate, several at once, and marks what became of them. It reports whether it reached the last event.
func (r *Runner) page(ctx context.Context, places []store.BulkPlace, limiter *rate.Limiter, until time.Time) (whole bool, err error) {
	acted := make([]acted, len(places))
	pacing, stop := context.WithDeadline(ctx, until)
	defer stop()
	acting, stopped := errgroup.WithContext(pacing) // stopped ends with the first event that can't be acted on because a server is away
	acting.SetLimit(atOnce)
	whole = true
	for i, p := range places {
		if limiter.Wait(stopped) != nil {
			whole = false
			break
		}
		acting.Go(func() error {
			acted[i] = r.act(context.WithoutCancel(ctx), p)
			return acted[i].away
		})
	}
	away := acting.Wait()
	if err := r.mark(context.WithoutCancel(ctx), acted); err != nil {
		return false, err
	}
	return whole, away
}

func (r *Runner) report() {
	if r.Progress != nil {
		r.Progress(ProgressOf(r.bulk))
	}
}

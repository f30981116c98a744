package listen

import (
	"context"
	"sync"
	"time"
)

// Outcome is where an event is.
type Outcome struct {
	EventID string
	Outcome string // "" while it is on its way
	Detail  string
}

// Outcomes tells what became of events.
type Outcomes interface {
	// Look asks for all of them at once.
	Look(ctx context.Context, eventIDs []string) ([]Outcome, error)
	// Ask asks the workflow of one that Look does not find, which is where an event is that needs attention.
	Ask(ctx context.Context, eventID string) Outcome
}

const (
	lookEvery = 250 * time.Millisecond
	askAfter  = 2 * time.Second
	// giveUp is when an event is not watched any more; one that waits for its order may do so for days.
	giveUp = 30 * time.Second
	// maxWatched bounds what one query asks for; the events of a larger burst are shown without their ends.
	maxWatched = 1000
)

// watch prints what becomes of the events that were taken.
type watch struct {
	outcomes Outcomes
	each     func(Outcome)

	mu     sync.Mutex
	events map[string]*watched
}

type watched struct {
	since time.Time
	asked time.Time
	shown string // the outcome that was printed last
}

func newWatch(o Outcomes, each func(Outcome)) *watch {
	return &watch{outcomes: o, each: each, events: map[string]*watched{}}
}

func (w *watch) add(eventID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.events[eventID]; !known && len(w.events) < maxWatched {
		w.events[eventID] = &watched{since: time.Now()}
	}
}

// run looks until ctx ends, and then once more.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			w.look(last)
			return
		case <-tick.C:
			w.look(ctx)
		}
	}
}

func (w *watch) look(ctx context.Context) {
	w.mu.Lock()
	ids := make([]string, 0, len(w.events))
	for id := range w.events {
		ids = append(ids, id)
	}
	w.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	places, err := w.outcomes.Look(ctx, ids)
	if err != nil { // PostgreSQL is away: the next look may find it
		for _, id := range ids {
			places = append(places, Outcome{EventID: id})
		}
	}
	asked := false
	for _, o := range places {
		w.mu.Lock()
		e := w.events[o.EventID]
		w.mu.Unlock()
		if e == nil {
			continue
		}
		now := time.Now()
		if o.Outcome == "" && !asked && now.Sub(e.since) > askAfter && now.Sub(e.asked) > askAfter {
			e.asked, asked = now, true
			o = w.outcomes.Ask(ctx, o.EventID)
		}
		w.conclude(o, e, now)
	}
}

// conclude prints what is new, and stops watching what has come to an end or takes too long.
func (w *watch) conclude(o Outcome, e *watched, now time.Time) {
	over := now.Sub(e.since) > giveUp
	if o.Outcome == "" && over && e.shown == "" {
		o.Outcome, o.Detail = "in flight", "not processed within "+giveUp.String()+"; is a worker running?"
	}
	if o.Outcome != "" && o.Outcome != e.shown {
		e.shown = o.Outcome
		w.each(o)
	}
	ended := o.Outcome != "" && o.Outcome != "waiting" && o.Outcome != "stuck"
	if ended || over {
		w.mu.Lock()
		delete(w.events, o.EventID)
		w.mu.Unlock()
	}
}

package listen

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"inorder"
	"inorder/internal/await"
	"inorder/internal/store"
)

// Outcomes returns what became of events.
type Outcomes interface {
	// States reads the tables, for all events at once.
	States(ctx context.Context, eventIDs []string) ([]store.EventState, error)
	// Ask completes the state of an event that is in no table from its workflow, or returns it as it is.
	Ask(ctx context.Context, s store.EventState) store.EventState
}

const (
	pollEvery = 250 * time.Millisecond
	askAfter  = 2 * time.Second
	// followFor is how long an event is followed at most; one that waits for its order may do so for days.
	followFor = 30 * time.Second
	// maxFollowed bounds what one query asks for; the events of a larger burst are shown without their outcomes.
	maxFollowed = 1000
)

// follower reports what becomes of the events that the receiver took: each outcome once.
type follower struct {
	events Outcomes
	report func(store.EventState)

	mu       sync.Mutex
	followed map[string]*followed
}

type followed struct {
	since time.Time
	asked time.Time
	shown inorder.Outcome // the last one reported
}

func newFollower(e Outcomes, report func(store.EventState)) *follower {
	return &follower{events: e, report: report, followed: map[string]*followed{}}
}

func (f *follower) add(eventID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.followed[eventID]; !known && len(f.followed) < maxFollowed {
		f.followed[eventID] = &followed{since: time.Now()}
	}
}

// run polls until ctx ends, and then once more.
func (f *follower) run(ctx context.Context) {
	for await.Sleep(ctx, pollEvery) == nil {
		f.poll(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	f.poll(last)
}

// poll reports new outcomes. It asks one workflow at most, because the answer may take long.
func (f *follower) poll(ctx context.Context) {
	f.mu.Lock()
	events := maps.Clone(f.followed)
	f.mu.Unlock()
	if len(events) == 0 {
		return
	}
	states, err := f.events.States(ctx, slices.Collect(maps.Keys(events)))
	if err != nil { // PostgreSQL is away: the next poll may find them
		states = nil
		for id := range events {
			states = append(states, store.EventState{ID: id})
		}
	}
	asked := false
	for _, s := range states {
		e, now := events[s.ID], time.Now()
		if s.Moving() {
			s.Outcome, s.Detail = "", ""
			if !asked && now.Sub(e.since) > askAfter && now.Sub(e.asked) > askAfter {
				e.asked, asked = now, true
				s = f.events.Ask(ctx, s)
			}
		}
		f.note(s, e, now)
	}
}

// note reports an outcome if it is new, and stops following an event that has ended or takes too long.
func (f *follower) note(s store.EventState, e *followed, now time.Time) {
	over := now.Sub(e.since) > followFor
	if s.Outcome == "" && over && e.shown == "" {
		s.Outcome, s.Detail = "in flight", "not processed within "+followFor.String()+"; is a worker running?"
	}
	if s.Outcome != "" && s.Outcome != e.shown {
		e.shown = s.Outcome
		f.report(s)
	}
	ended := s.Outcome != "" && s.Outcome != inorder.Waiting && s.Outcome != inorder.Stuck
	if ended || over {
		f.mu.Lock()
		delete(f.followed, s.ID)
		f.mu.Unlock()
	}
}

// maxRecent bounds how many events are remembered; when it is reached, all are forgotten.
const maxRecent = 10_000

// recent is a set of the events that were delivered here. One that the receiver knows but recent lacks came another way.
type recent struct {
	mu  sync.Mutex
	ids map[string]bool
}

// note reports whether the event was noted before.
func (r *recent) note(eventID string) (before bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before = r.ids[eventID]
	if r.ids == nil || len(r.ids) == maxRecent {
		r.ids = map[string]bool{}
	}
	r.ids[eventID] = true
	return before
}

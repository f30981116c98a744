package receiver

import (
	"context"
	"sync"
	"time"
)

// slots limits how many starts are under way. In calm, all slots are available, enough for a sudden burst. Under load, only
// fewSlots are: on a small machine, each further start costs the others, and everything else, more time than it saves. Load begins
// when an event finds no slot or a start overruns its budget, and ends after a window in which fewer than stillLoad events found none.
type slots struct {
	all chan struct{} // holds one element for each start under way

	mu      sync.Mutex
	loaded  bool
	since   time.Time // when the window began
	refused int       // events that found no slot in the window
}

const (
	fewSlots   = 2                      // 1 and 4 reach 0.97 and 0.96 of its events/s under load: docs/benchmark.md
	loadWindow = 500 * time.Millisecond // then load is judged again
	stillLoad  = 16                     // refused events in a window that mean the load goes on
)

func newSlots(most int) *slots { return &slots{all: make(chan struct{}, most)} }

// take takes a slot if one is free now, and reports whether it did.
func (s *slots) take(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) > loadWindow {
		s.loaded, s.refused, s.since = s.refused >= stillLoad, 0, now
	}
	if !s.loaded || len(s.all) < fewSlots {
		select {
		case s.all <- struct{}{}:
			return true
		default:
		}
		s.loaded = true
	}
	s.refused++
	return false
}

// overran records that a start took longer than its budget.
func (s *slots) overran(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded, s.refused, s.since = true, 0, now
}

// await takes a slot as soon as one is free. Its error is that of ctx.
func (s *slots) await(ctx context.Context) error {
	select {
	case s.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slots) giveBack() { <-s.all }

func (s *slots) underWay() int { return len(s.all) }

// isLoaded reports whether only fewSlots are available now.
func (s *slots) isLoaded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded
}

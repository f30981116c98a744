package receiver

import (
	"context"
	"sync"
	"time"
)

// slots bounds how many starts are under way. In calm there are as many as a burst of one instant needs. Under load there
// are few: each more makes all of them, and everything else on a small machine, slower than it takes load off. It is load
// from when an event finds no slot, or a start overruns its budget, until few find none.
type slots struct {
	all chan struct{} // holds one for each start under way

	mu      sync.Mutex
	loaded  bool
	since   time.Time // when the window began
	refused int       // events that found no slot in the window
}

const (
	fewSlots   = 2                      // 1 and 4 give 0.97 and 0.96 of its events/s under load: docs/benchmark.md
	loadWindow = 500 * time.Millisecond // after it, load is judged anew
	stillLoad  = 16                     // refused events in a window
)

func newSlots(most int) *slots { return &slots{all: make(chan struct{}, most)} }

// take takes a slot if one is free now.
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

// overran says that a start took longer than its budget.
func (s *slots) overran(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded, s.refused, s.since = true, 0, now
}

// await takes a slot as soon as one is free.
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

// isLoaded reports whether there are few slots now.
func (s *slots) isLoaded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded
}

package listen

import "sync"

// maxRecent bounds how many events are remembered; then all are forgotten.
const maxRecent = 10_000

// recent is a set of the events that were delivered here. An event that the receiver knows and that is not in it came another way.
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

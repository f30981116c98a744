package inbox

import (
	"context"

	"inorder/internal/store"
)

// remover removes events that Temporal has taken after all from the inbox, unless the drainer has counted an attempt. If it misses one,
// the drainer finds that Temporal has the event.
type remover struct {
	store   *store.Store
	removed chan string
}

func newRemover(s *store.Store) *remover {
	return &remover{store: s, removed: make(chan string, maxQueue)}
}

// Remove queues an event for removal. It does not block; if the queue is full, the event stays in the inbox.
func (r *remover) Remove(eventID string) {
	select {
	case r.removed <- eventID:
	default:
	}
}

// run removes queued events until ctx ends, up to maxGroup in one statement.
func (r *remover) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-r.removed:
			ids := []string{id}
			for len(ids) < maxGroup && len(r.removed) > 0 {
				ids = append(ids, <-r.removed)
			}
			_ = r.store.RemoveInbox(ctx, ids, 0)
		}
	}
}

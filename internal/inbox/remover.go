package inbox

import (
	"context"

	"inorder/internal/store"
)

// remover removes events from the inbox that Temporal has after all, and that have not come up. What it does not remove the drainer finds
// out to be known.
type remover struct {
	store   *store.Store
	removed chan string
}

func newRemover(s *store.Store) *remover {
	return &remover{store: s, removed: make(chan string, maxQueue)}
}

// Remove does not wait, and forgets the event when there is no room for it.
func (r *remover) Remove(eventID string) {
	select {
	case r.removed <- eventID:
	default:
	}
}

// run removes, as many as there are in one statement, until ctx ends.
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

package bulk

import (
	"context"
	"slices"

	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store/view"
)

const applyingAtOnce = 200 // in a page

// applying returns the events that only Temporal knows, if the filter asks for those.
func (b *Bulks) applying(ctx context.Context, f api.Filter) (all []api.Event, err error) {
	if f.State != api.StateApplying {
		return nil, nil
	}
	for after := (view.Position{}); ; {
		found, err := b.Engine.ListRunning(ctx, f, []api.State{api.StateApplying}, after, applyingAtOnce)
		if err != nil {
			return nil, &operate.UnavailableError{Source: "temporal", Why: "only Temporal knows which events are being applied; nothing was done", Cause: err}
		}
		events, err := b.unrecorded(ctx, found.Events)
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, events...)
		if after = found.Looked; after == (view.Position{}) || len(all) > maxEvents {
			return all, nil
		}
	}
}

// unrecorded leaves out the events that PostgreSQL knows by now.
func (b *Bulks) unrecorded(ctx context.Context, events []api.Event) ([]api.Event, error) {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.EventID
	}
	known, err := b.Store.Recorded(ctx, ids)
	return slices.DeleteFunc(events, func(e api.Event) bool {
		_, recorded := known[e.EventID]
		return recorded
	}), err
}

package inspect

import (
	"context"
	"errors"
	"slices"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

// Events returns a page of the events that the filter selects, newest receipt first. Events in no table are being applied, and come from
// Temporal. While PostgreSQL is away, the page has only what Temporal knows: the events whose workflow runs.
func (i *Inspector) Events(ctx context.Context, f api.Filter, cursor string, limit int) (api.Page[api.Event], error) {
	after, err := view.ParseCursor(cursor)
	if err != nil {
		return api.Page[api.Event]{}, only(err)
	}
	// Temporal is asked first: an event that is applied in between is then found in PostgreSQL.
	var running view.Found
	var away error
	isOpen := f.Outcome == "" && f.Via == ""
	if isOpen && (f.State == "" || f.State == api.StateApplying) {
		running, away = i.applying(ctx, f, after, limit)
	}
	found, err := read(ctx, i, func(ctx context.Context, v *view.View) ([]view.Found, error) { return v.Find(ctx, f, after, limit) })
	if err != nil {
		return i.running(ctx, f, after, limit, err)
	}
	if away != nil && f.State == api.StateApplying {
		return api.Page[api.Event]{}, unavailable(temporal, "only Temporal knows which events are being applied: try again in a moment", away)
	}
	page := view.Merge(limit, append(found, without(running, found))...)
	lacks(&page.Missing, temporal, away, "events that are being applied are not in the list")
	return page, nil
}

// applying returns events that are being applied and are in no table.
func (i *Inspector) applying(ctx context.Context, f api.Filter, after view.Position, limit int) (view.Found, error) {
	running, err := ask(ctx, i, func(ctx context.Context) (view.Found, error) {
		return i.Engine.ListRunning(ctx, f, []api.State{api.StateApplying}, after, limit)
	})
	if err != nil || len(running.Events) == 0 {
		return running, err
	}
	recorded, err := read(ctx, i, func(ctx context.Context, v *view.View) (map[string]bool, error) {
		return v.Recorded(ctx, idsOf(running.Events))
	})
	if err != nil { // the caller asks PostgreSQL, too, and gets the error there
		return view.Found{}, nil
	}
	running.Events = slices.DeleteFunc(running.Events, func(e api.Event) bool { return recorded[e.EventID] })
	return running, nil
}

// without leaves out the events that others have.
func without(running view.Found, others []view.Found) view.Found {
	there := map[string]bool{}
	for _, f := range others {
		for _, e := range f.Events {
			there[e.EventID] = true
		}
	}
	running.Events = slices.DeleteFunc(running.Events, func(e api.Event) bool { return there[e.EventID] })
	return running
}

func idsOf(events []api.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.EventID)
	}
	return ids
}

// running returns a page of what Temporal knows, while PostgreSQL does not answer.
func (i *Inspector) running(ctx context.Context, f api.Filter, after view.Position, limit int, cause error) (api.Page[api.Event], error) {
	states := []api.State{api.StateApplying, api.StateWaiting, api.StateStuck, api.StateAttention}
	if f.State != "" {
		states = slices.DeleteFunc(states, func(s api.State) bool { return s != f.State })
	}
	if len(states) == 0 || f.Outcome != "" || f.Via != "" || isFault(cause) {
		return api.Page[api.Event]{}, only(cause)
	}
	running, err := ask(ctx, i, func(ctx context.Context) (view.Found, error) {
		return i.Engine.ListRunning(ctx, f, states, after, limit)
	})
	if err != nil {
		return api.Page[api.Event]{}, unavailable(postgres, because(cause)+"Temporal does not answer either: try again in a moment", errors.Join(cause, err))
	}
	page := view.Merge(limit, running)
	lacks(&page.Missing, postgres, cause, "the list has only events whose workflow is running, by the time at which it started")
	return page, nil
}

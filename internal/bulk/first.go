package bulk

import (
	"cmp"
	"context"
	"time"

	"inorder/internal/api"
	"inorder/internal/store"
)

// first returns the events of a preview as a list shows them. An event that is gone by now has only its ID and time of receipt.
func (b *Bulks) first(ctx context.Context, events []store.Selected, applying []api.Event) ([]api.Event, error) {
	ids, shown := make([]string, len(events)), map[string]api.Event{}
	for i, e := range events {
		ids[i] = e.EventID
	}
	for _, e := range applying {
		shown[e.EventID] = e
	}
	known, err := b.Store.Briefs(ctx, ids)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, e := range known {
		shown[e.EventID] = brief(e)
	}
	list := make([]api.Event, len(events))
	for i, e := range events {
		list[i] = shown[e.EventID]
		list[i].EventID, list[i].ReceivedAt = e.EventID, e.ReceivedAt
	}
	return list, nil
}

func brief(e store.Brief) api.Event {
	return api.Event{EventID: e.EventID, Type: e.Type, OrderID: e.OrderID, StoreID: e.StoreID, Detail: e.Detail, Via: e.Via,
		State: api.State(cmp.Or(e.State, string(api.StateEnded))), Outcome: e.Outcome, OccurredAt: e.OccurredAt, ProcessedAt: e.ProcessedAt,
		AgeSeconds: age(e)}
}

func age(e store.Brief) float64 {
	if e.Outcome != "" {
		return 0
	}
	return max(time.Since(e.ReceivedAt).Seconds(), 0)
}

package bulk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
)

// request is a checked BulkRequest.
type request struct {
	api.BulkRequest
	selection store.Selection
}

var (
	actions  = []api.Action{api.Retry, api.Discard, api.Replay}
	states   = []api.State{api.StateInbox, api.StateApplying, api.StateWaiting, api.StateStuck, api.StateAttention, api.StateEnded}
	outcomes = []string{string(inorder.Applied), string(inorder.Stale), string(inorder.Ignored), string(inorder.Discarded), string(inorder.Expired)}
	vias     = []string{string(store.ViaWorkflow), string(store.ViaInbox)}
)

// check returns the request with its defaults, or an operate.InvalidError that names the field.
func check(r api.BulkRequest) (request, error) {
	r.Rate = cmp.Or(r.Rate, defaultRate)
	r.Name, r.Reason = inorder.Cut(inorder.Bounded(strings.TrimSpace(r.Name)), maxName), inorder.Bounded(strings.TrimSpace(r.Reason))
	f := &r.Filter
	switch {
	case !slices.Contains(actions, r.Action):
		return request{}, invalid("action", "must be one of retry, discard, replay")
	case r.Rate < 1 || r.Rate > maxRate:
		return request{}, invalid("rate", fmt.Sprintf("must be 1 to %d events per second", maxRate))
	case f.State != "" && !slices.Contains(states, f.State):
		return request{}, invalid("filter.state", "must be one of inbox, applying, waiting, stuck, attention, ended")
	case f.Outcome != "" && !slices.Contains(outcomes, f.Outcome):
		return request{}, invalid("filter.outcome", "must be one of "+strings.Join(outcomes, ", "))
	case f.Via != "" && !slices.Contains(vias, f.Via):
		return request{}, invalid("filter.via", "must be one of "+strings.Join(vias, ", "))
	}
	for name, text := range map[string]string{"type": f.Type, "order_id": f.OrderID, "store_id": f.StoreID} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return request{}, invalid("filter."+name, "must be text without NUL")
		}
	}
	if err := fit(r.Action, f); err != nil {
		return request{}, err
	}
	return request{r, selection(*f)}, nil
}

// fit returns an error if the action can't be done to what the filter selects. It adds to the filter what the action implies.
func fit(a api.Action, f *api.Filter) error {
	if a == api.Replay {
		if f.State != "" && f.State != api.StateEnded {
			return invalid("filter.state", "must be ended or left out: replay is for events that have ended; use retry for others")
		}
		f.State = api.StateEnded
		return nil
	}
	open := fmt.Sprintf("%s is for events that have not ended; use replay for those that have", a)
	switch {
	case f.State == api.StateEnded:
		return invalid("filter.state", "must not be ended: "+open)
	case f.Outcome != "":
		return invalid("filter.outcome", "must be left out: "+open)
	case f.Via != "":
		return invalid("filter.via", "must be left out: "+open)
	}
	return nil
}

// selectsByTime reports whether the filter selects by nothing but the time of receipt.
func (r request) selectsByTime() bool {
	f := r.Filter
	f.ReceivedAfter, f.ReceivedBefore = nil, nil
	if r.Action == api.Replay {
		f.State = ""
	}
	return f == api.Filter{}
}

func selection(f api.Filter) store.Selection {
	s := store.Selection{Ended: f.State == api.StateEnded, Outcome: f.Outcome, Type: f.Type, OrderID: f.OrderID, StoreID: f.StoreID, Via: f.Via,
		ReceivedAfter: at(f.ReceivedAfter), ReceivedBefore: at(f.ReceivedBefore)}
	if !s.Ended {
		s.State = string(f.State)
	}
	return s
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func invalid(field, message string) error {
	return &operate.InvalidError{Location: "body." + field, Message: message}
}

package hooks

import (
	"context"
	"fmt"
	"slices"

	"inorder/internal/endpoints"
)

// Webhook is what the platform has and what we recorded, put together.
type Webhook struct {
	ID     string
	URL    string
	Events []string
	Active bool
	Gone   bool // it is recorded, and no longer on the platform: URL, Events and Active are the record's

	// Unreadable says what of it is of another kind than documented; "" if nothing is. Of one that is recorded, URL, Events
	// and Active are then the record's.
	Unreadable string

	CreatedAt string // as the platform says it
	Tag       Tag    // of the record, completed by the metadata

	Record  *endpoints.Endpoint // nil for one that was not registered from here
	Secrets []endpoints.Secret  // that the platform signs its deliveries with, without the secrets themselves
}

// Faults say in words how it differs from what was registered from here, or that it cannot be read.
func (w Webhook) Faults() []string {
	var faults []string
	switch r := w.Record; {
	case w.Unreadable != "":
		faults = append(faults, "cannot be read as the platform lists it: "+w.Unreadable)
	case r == nil:
	case w.Gone:
		faults = append(faults, "deleted on the platform by somebody else")
	default:
		if w.Active != r.IsActive {
			faults = append(faults, map[bool]string{true: "should not be active", false: "should be active"}[w.Active])
		}
		if w.URL != r.URL {
			faults = append(faults, "the URL should be "+r.URL)
		}
		if !sameEvents(w.Events, r.Events) {
			faults = append(faults, fmt.Sprintf("the events should be %v", r.Events))
		}
	}
	return faults
}

// List gives all webhooks of the key's mode, as the platform lists them, and then those that are recorded only.
func (r Registrar) List(ctx context.Context) ([]Webhook, error) {
	records, err := r.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := r.Store.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	var list []Webhook
	for w, err := range r.Platform.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		if w.ID == "" {
			r.say("a webhook that the platform lists is left out, because it has no readable ID: %s", or(w.Unreadable, "id is missing"))
			continue
		}
		list = append(list, Webhook{ID: w.ID, URL: w.URL, Events: w.Events, Active: w.IsActive, Unreadable: w.Unreadable,
			CreatedAt: w.CreatedAt, Tag: TagOf(w)})
	}
	for _, e := range records {
		if e.Mode != r.Platform.Mode() {
			continue
		}
		i := slices.IndexFunc(list, func(w Webhook) bool { return w.ID == e.ID })
		if i < 0 {
			i = len(list)
			list = append(list, Webhook{ID: e.ID, URL: e.URL, Events: e.Events, Active: e.IsActive, Gone: true})
		}
		list[i].Record = &e
		if list[i].Unreadable != "" {
			list[i].URL, list[i].Events, list[i].Active = e.URL, e.Events, e.IsActive
		}
		list[i].Tag = merge(recordTag(e), list[i].Tag)
	}
	for i := range list {
		for _, s := range secrets {
			if s.Source == list[i].ID {
				s.Secret = ""
				list[i].Secrets = append(list[i].Secrets, s)
			}
		}
	}
	return list, nil
}

// merge lets the record speak where it does. Of two leases the later one counts: each is a promise.
func merge(record, metadata Tag) Tag {
	if record.Listen != "" {
		metadata.Owner, metadata.Listen, metadata.Machine = record.Owner, record.Listen, record.Machine
	}
	if record.Lease.After(metadata.Lease) {
		metadata.Lease = record.Lease
	}
	return metadata
}

// Find gives one webhook, and says what it means if there is none.
func (r Registrar) Find(ctx context.Context, id string) (Webhook, error) {
	record, err := r.recorded(ctx, id)
	if err != nil {
		return Webhook{}, err
	}
	list, err := r.List(ctx)
	if err != nil {
		return Webhook{}, err
	}
	if i := slices.IndexFunc(list, func(w Webhook) bool { return w.ID == id }); i >= 0 {
		return list[i], nil
	}
	return Webhook{}, r.explain(id, record, r.notFound())
}

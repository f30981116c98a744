package webhooks

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"inorder/internal/platform"
	"inorder/internal/webhooks/secrets"
)

// Webhook is a webhook at the platform with our record of it.
type Webhook struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Events    []string `json:"events"`
	Active    bool     `json:"is_active"`
	Gone      bool     `json:"gone,omitempty"`       // recorded, but no longer at the platform: URL, Events and Active are the record's
	CreatedAt string   `json:"created_at,omitempty"` // as the platform sent it

	// Unreadable says why the webhook can't be read, such as a field of another kind than documented; "" if it can. If the webhook is
	// recorded, URL, Events and Active are then the record's.
	Unreadable string `json:"-"`

	Tag     Tag              `json:"-"` // from the record, completed from the metadata
	Record  *Record          `json:"-"` // nil for a webhook that was not registered from here
	Secrets []secrets.Secret `json:"-"` // the secrets that sign its deliveries, by name only: the field Secret is empty
}

// List returns all webhooks of the key's mode: first the platform's, in its order, then those that only our records have.
func (r Registrar) List(ctx context.Context) ([]Webhook, error) {
	records, err := r.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	known, err := r.Store.Secrets().List(ctx)
	if err != nil {
		return nil, err
	}
	var list []Webhook
	for w, err := range r.Platform.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		if w.ID == "" {
			r.say("a webhook that the platform lists is left out, because it has no readable ID: %s", cmp.Or(w.Unreadable, "id is missing"))
			continue
		}
		list = append(list, Webhook{ID: w.ID, URL: w.URL, Events: w.Events, Active: w.IsActive, Unreadable: w.Unreadable,
			CreatedAt: w.CreatedAt, Tag: TagOf(w)})
	}
	for _, record := range records {
		if record.Mode != r.Platform.Mode() {
			continue
		}
		i := slices.IndexFunc(list, func(w Webhook) bool { return w.ID == record.ID })
		if i < 0 {
			i = len(list)
			list = append(list, Webhook{ID: record.ID, Gone: true})
		}
		list[i].join(record)
	}
	for i := range list {
		for _, s := range known {
			if s.Source == list[i].ID {
				s.Secret = ""
				list[i].Secrets = append(list[i].Secrets, s)
			}
		}
	}
	return list, nil
}

// join adds our record. If the webhook is gone or unreadable, its fields are taken from the record.
func (w *Webhook) join(record Record) {
	w.Record = &record
	if w.Gone || w.Unreadable != "" {
		w.URL, w.Events, w.Active = record.URL, record.Events, record.IsActive
	}
	w.Tag = merge(recordTag(record), w.Tag)
}

// Find returns one webhook and the list of all. If there is no such webhook, the error says why that may be.
func (r Registrar) Find(ctx context.Context, id string) (w Webhook, list []Webhook, err error) {
	record, err := r.recorded(ctx, id)
	if err != nil {
		return w, nil, err
	}
	if list, err = r.List(ctx); err != nil {
		return w, nil, err
	}
	if i := slices.IndexFunc(list, func(w Webhook) bool { return w.ID == id }); i >= 0 {
		return list[i], list, nil
	}
	return w, nil, r.notFound(id, record)
}

// recorded returns our record of a webhook, or nil if there is none. A record of the other mode is an error, because the platform
// would only answer that the webhook does not exist.
func (r Registrar) recorded(ctx context.Context, id string) (*Record, error) {
	list, err := r.Store.List(ctx)
	i := slices.IndexFunc(list, func(record Record) bool { return record.ID == id })
	if err != nil || i < 0 {
		return nil, err
	}
	if mode := list[i].Mode; mode != r.Platform.Mode() {
		return nil, fmt.Errorf("webhook %s is of %s mode, and HEADLESS_COMMERCE_API_KEY is a %s-mode key: use a sk_%[2]s_… key", id, mode, r.Platform.Mode())
	}
	return &list[i], nil
}

// explain adds to the platform's "not found" what it means. It returns other errors unchanged.
func (r Registrar) explain(id string, record *Record, err error) error {
	switch {
	case !platform.IsNotFound(err):
		return err
	case record != nil:
		return fmt.Errorf("webhook %s was deleted on the platform by somebody else: `inorder hooks delete %[1]s` forgets it here, "+
			"`inorder hooks register %s` registers it again (%w)", id, record.URL, err)
	}
	return fmt.Errorf("there is no webhook %s in %s mode: `inorder hooks list` shows the webhooks; one of the other mode needs a key of that mode (%w)",
		id, r.Platform.Mode(), err)
}

func (r Registrar) notFound(id string, record *Record) error {
	return r.explain(id, record, &platform.Error{Status: http.StatusNotFound, Mode: r.Platform.Mode()})
}

package webhooks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"inorder/internal/platform"
	"inorder/internal/webhooks/secrets"
)

// DefaultKeep is how long a secret stays valid after its webhook was deleted or replaced, for deliveries that it signed and
// that are retried late.
const DefaultKeep = 24 * time.Hour

// Register makes a lasting webhook for a URL, or finds that it exists. Only one may lead to a URL, because two would deliver
// everything twice. If it exists for other events, the error says how to change it.
//
// It may be run again after it was interrupted. If the webhook was recorded and not activated, it is activated. If it was created
// and not recorded, it is inactive and nobody knows its secret: it is reported, and not deleted, because it may be somebody
// else's. If somebody deleted it, it is registered anew.
func (r Registrar) Register(ctx context.Context, url string, events []string) (record Record, existed bool, err error) {
	list, err := r.List(ctx)
	if err != nil {
		return record, false, err
	}
	for _, w := range list {
		switch {
		case w.URL != url:
		case w.Tag.Listen != "":
			r.say("%s of `inorder listen` has the same URL: until it ends, both deliver", w.ID)
		case w.Record == nil:
			r.reportForeign(w)
		case w.Gone:
			r.say("%s was deleted on the platform by somebody else", w.ID)
			if err := r.Store.Remove(ctx, w.ID, time.Now().Add(DefaultKeep)); err != nil {
				return record, false, err
			}
		case !sameEvents(w.Events, events):
			return record, true, fmt.Errorf("%s is registered already, as %s, for other events: `inorder hooks update %[2]s --events '%s'` changes it",
				url, w.ID, strings.Join(events, ","))
		default:
			if !w.Record.IsActive {
				r.say("%s was disabled on purpose: `inorder hooks enable %[1]s` lets it deliver again", w.ID)
			}
			return *w.Record, true, r.activate(ctx, *w.Record, w.Active)
		}
	}
	record, err = r.Create(ctx, Spec{URL: url, Events: events, Tag: Tag{Owner: r.Owner}})
	return record, false, err
}

// reportForeign reports a webhook with the same URL that is not ours.
func (r Registrar) reportForeign(w Webhook) {
	r.say("%s has the same URL, and was not registered from here: if nobody needs it, `inorder hooks delete --force %[1]s`", w.ID)
}

// Spec is a webhook to create.
type Spec struct {
	URL    string   // see CheckURL
	Events []string // see CheckEvents
	Tag    Tag

	Inactive bool // leave it inactive
}

// Create makes a webhook whose first delivery finds its secret in every receiver: it is created inactive, recorded with its
// secret, and activated when receivers have that. That a webhook can be created inactive is known from the platform's SDK alone;
// if the platform makes it active at once, what it delivers too early is refused and delivered again. Where a webhook of the
// other mode is recorded it makes none: see OtherModeError.
//
// It is not idempotent: see Register. What can't be recorded is deleted again. If an error comes later, or ctx ends in between,
// the record is returned beside the error: the webhook exists, and is recorded.
func (r Registrar) Create(ctx context.Context, s Spec) (Record, error) {
	if err := checkMode(ctx, r.Store.Pool, r.Platform.Mode()); err != nil {
		return Record{}, err
	}
	w, err := r.create(ctx, s)
	if err != nil {
		return Record{}, fmt.Errorf("register %s: %w", s.URL, err)
	}
	record := Record{ID: w.ID, URL: w.URL, Events: w.Events, Mode: r.Platform.Mode(), Owner: s.Tag.record(), IsActive: !s.Inactive}
	if record.URL == "" || len(record.Events) == 0 { // an answer that does not say
		record.URL, record.Events = s.URL, s.Events
	}
	if !s.Tag.Lease.IsZero() {
		record.LeaseUntil = &s.Tag.Lease
	}
	if w.Secret == "" {
		return Record{}, r.undo(ctx, w.ID, errors.New("the platform did not show its secret, without which no delivery can be verified"))
	}
	if err := r.Store.Add(ctx, record, w.Secret); err != nil {
		return Record{}, r.undo(ctx, w.ID, err)
	}
	if missing := without(s.Events, record.Events); len(missing) > 0 {
		r.say("the platform left out %v of the events of %s", missing, record.ID)
	}
	return record, r.activate(ctx, record, w.IsActive)
}

// activate lets a webhook that should be active deliver, when every receiver has its secret.
func (r Registrar) activate(ctx context.Context, record Record, isActive bool) error {
	if isActive || !record.IsActive {
		return nil
	}
	r.say("%s is registered, but not active yet: waiting %s until every receiver has its secret", record.ID, secrets.KnownWithin)
	if err := r.wait(ctx, secrets.KnownWithin); err != nil {
		return err
	}
	if _, err := r.Platform.UpdateWebhook(ctx, record.ID, platform.WebhookUpdate{IsActive: new(true)}); err != nil {
		return fmt.Errorf("%s is registered, but could not be activated; `inorder hooks enable %[1]s` does that: %w", record.ID, err)
	}
	return nil
}

// create asks for all that the SDK knows, and if the platform calls that invalid, for what the documents know.
func (r Registrar) create(ctx context.Context, s Spec) (platform.Webhook, error) {
	w, err := r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: s.URL, Events: s.Events, IsActive: new(false), Metadata: s.Tag.Metadata()})
	if platform.IsInvalid(err) {
		w, err = r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: s.URL, Events: s.Events})
	}
	return w, err
}

// undo deletes a webhook that can't be used, also when ctx has ended, and returns the error to return.
func (r Registrar) undo(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := r.Platform.DeleteWebhook(ctx, id); err != nil && !platform.IsNotFound(err) {
		return fmt.Errorf("%s was created and is of no use, and could not be deleted; `inorder hooks delete --force %[1]s` does that: %w (%w)", id, cause, err)
	}
	return fmt.Errorf("%s was created, and deleted again: %w", id, cause)
}

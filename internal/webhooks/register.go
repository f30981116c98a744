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

// DefaultKeep is how long a secret stays valid after its webhook was deleted or replaced, for late retries of deliveries that it
// signed.
const DefaultKeep = 24 * time.Hour

// Register creates a lasting webhook for a URL, or returns the record of the one that exists. A URL has only one, because two
// would deliver everything twice. If it exists for other events, the error says how to change it.
//
// Register may run again after an interruption. A webhook that was recorded but not activated is activated. One that was created
// but not recorded is inactive, and nobody knows its secret: it is reported, but not deleted, because it may be somebody else's.
// One that somebody deleted is registered again.
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
	r.say("%s has the same URL, and was not registered from here: if nobody needs it, delete it with `inorder hooks delete --force %[1]s`", w.ID)
}

// Spec is a webhook to create.
type Spec struct {
	URL    string   // see CheckURL
	Events []string // see CheckEvents
	Tag    Tag

	Inactive bool // leave it inactive
}

// Create makes a webhook whose secret every receiver knows before the first delivery: the webhook is created inactive, recorded
// with its secret, and activated once receivers have the secret. Only the platform's SDK shows that a webhook can be created
// inactive. If the platform activates it at once, deliveries that come too early are refused and delivered again. If a webhook of
// the other mode is recorded, Create fails with an OtherModeError.
//
// Create is not idempotent: see Register. A webhook that can't be recorded is deleted again. If Create fails later, or ctx ends,
// it returns the record with the error: the webhook exists and is recorded.
func (r Registrar) Create(ctx context.Context, s Spec) (Record, error) {
	if err := checkMode(ctx, r.Store.Pool, r.Platform.Mode()); err != nil {
		return Record{}, err
	}
	w, err := r.create(ctx, s)
	if err != nil {
		return Record{}, fmt.Errorf("register %s: %w", s.URL, err)
	}
	record := Record{ID: w.ID, URL: w.URL, Events: w.Events, Mode: r.Platform.Mode(), Owner: s.Tag.record(), IsActive: !s.Inactive}
	if record.URL == "" || len(record.Events) == 0 { // the answer lacks them
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

// activate activates a webhook that should be active, once every receiver has its secret.
func (r Registrar) activate(ctx context.Context, record Record, isActive bool) error {
	if isActive || !record.IsActive {
		return nil
	}
	r.say("%s is registered, but not active yet: waiting %s until every receiver has its secret", record.ID, secrets.KnownWithin)
	if err := r.wait(ctx, secrets.KnownWithin); err != nil {
		return err
	}
	if _, err := r.Platform.UpdateWebhook(ctx, record.ID, platform.WebhookUpdate{IsActive: new(true)}); err != nil {
		return fmt.Errorf("%s is registered, but could not be activated; `inorder hooks enable %[1]s` activates it: %w", record.ID, err)
	}
	return nil
}

// create sends the fields that the SDK knows. If the platform calls those invalid, it sends only the documented ones.
func (r Registrar) create(ctx context.Context, s Spec) (platform.Webhook, error) {
	w, err := r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: s.URL, Events: s.Events, IsActive: new(false), Metadata: s.Tag.Metadata()})
	if platform.IsInvalid(err) {
		w, err = r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: s.URL, Events: s.Events})
	}
	return w, err
}

// undo deletes a webhook that can't be used, even if ctx has ended, and returns the error for the caller.
func (r Registrar) undo(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := r.Platform.DeleteWebhook(ctx, id); err != nil && !platform.IsNotFound(err) {
		return fmt.Errorf("%s was created but can't be used, and deleting it failed; `inorder hooks delete --force %[1]s` deletes it: %w (%w)", id, cause, err)
	}
	return fmt.Errorf("%s was created, and deleted again: %w", id, cause)
}

package webhooks

import (
	"context"
	"fmt"
	"time"

	"inorder/internal/platform"
)

// Rotation has the options of Rotate.
type Rotation struct {
	Keep    time.Duration // how long the old secret stays valid, for late retries of deliveries that it signed
	Overlap time.Duration // how long both webhooks deliver, so that deliveries under way arrive; the event's ID dedupes
	Force   bool          // also rotates a webhook that was not registered from here
	Gone    bool          // also replaces a webhook that somebody deleted on the platform
}

// Rotate replaces a webhook with one that has the same URL and events and a new secret, because the platform can't rotate a
// secret. The new webhook is created inactive, recorded with its secret, and activated once every receiver has the secret. Then
// the old one is disabled and deleted, and its secret ends later. So no delivery is refused, and no event falls between the two.
//
// After an interruption, Rotate may run again with the same ID, and continues. A new webhook that was created but not recorded is
// identified by its metadata, and deleted; one that was recorded is used. If the old webhook is gone, only its record is removed.
func (r Registrar) Rotate(ctx context.Context, id string, o Rotation) (Record, error) {
	old, list, err := r.Find(ctx, id)
	if err != nil {
		return Record{}, err
	}
	switch {
	case old.Tag.Listen != "":
		return Record{}, fmt.Errorf("webhook %s belongs to an `inorder listen` and ends with it; the next one gets a new secret", id)
	case old.Record == nil && !o.Force:
		return Record{}, fmt.Errorf("webhook %s was not registered from here, so it may be somebody else's; --force replaces it anyway", id)
	}
	successor, err := r.successor(ctx, old, list, o)
	if err != nil {
		return successor, err
	}
	return successor, r.retire(ctx, old, successor, o)
}

// successor returns the new webhook that an interrupted rotation recorded, or creates one.
func (r Registrar) successor(ctx context.Context, old Webhook, list []Webhook, o Rotation) (Record, error) {
	var made *Webhook
	for _, w := range list {
		switch {
		case w.ID == old.ID || w.Gone:
		case w.Record == nil && w.Tag.Replaces == old.ID && w.Tag.Owner == r.Owner && !w.Active:
			r.say("deleting %s, which an interrupted rotation left behind", w.ID)
			if err := r.Platform.DeleteWebhook(ctx, w.ID); err != nil && !platform.IsNotFound(err) {
				return Record{}, err
			}
		case w.succeeds(old) && (made == nil || w.Record.RegisteredAt.After(made.Record.RegisteredAt)):
			made = &w
		case w.Record == nil && w.URL == old.URL:
			r.reportForeign(w)
		}
	}
	switch {
	case made != nil:
		r.say("continuing with %s, which an interrupted rotation registered", made.ID)
		return *made.Record, r.activate(ctx, *made.Record, made.Active)
	case old.Gone && !o.Gone:
		return Record{}, r.notFound(old.ID, old.Record)
	}
	// If the platform deactivated the old one, the new one should deliver nevertheless.
	wanted := old.Active || old.Record != nil && old.Record.IsActive
	return r.Create(ctx, Spec{URL: old.URL, Events: old.Events, Tag: Tag{Owner: r.Owner, Replaces: old.ID}, Inactive: !wanted})
}

// succeeds reports whether w replaces old, judged by our own records, because the platform may keep no metadata: Register makes
// no second webhook for a URL, so a later one comes from a rotation.
func (w Webhook) succeeds(old Webhook) bool {
	return w.Record != nil && w.Record.Owner == "" && w.URL == old.URL &&
		(old.Record == nil || w.Record.RegisteredAt.After(old.Record.RegisteredAt))
}

// retire disables and deletes the old webhook, after the overlap, and ends its secret after o.Keep.
func (r Registrar) retire(ctx context.Context, old Webhook, successor Record, o Rotation) error {
	if !old.Gone {
		if old.Active && successor.IsActive && o.Overlap > 0 {
			r.say("%s and %s both deliver for %s, so that what is under way arrives", old.ID, successor.ID, o.Overlap)
			if err := r.wait(ctx, o.Overlap); err != nil {
				return err
			}
		}
		if err := r.unwatch(ctx, old.Record); err != nil {
			return err
		}
		_, err := r.Platform.UpdateWebhook(ctx, old.ID, platform.WebhookUpdate{IsActive: new(false)})
		if err == nil {
			err = r.Platform.DeleteWebhook(ctx, old.ID)
		}
		if err != nil && !platform.IsNotFound(err) {
			return fmt.Errorf("%s delivers, but the old webhook could not be deleted; `inorder hooks rotate %s` continues the rotation: %w", successor.ID, old.ID, err)
		}
	}
	return r.Store.Remove(ctx, old.ID, time.Now().Add(o.Keep))
}

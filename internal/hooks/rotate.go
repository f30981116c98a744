package hooks

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// Rotation says how to rotate.
type Rotation struct {
	Keep    time.Duration // how long the old secret stays valid, for deliveries that it signed and that are retried late
	Overlap time.Duration // how long both webhooks deliver, for what the old one has under way; the event's ID dedupes
	Force   bool          // also one that was not registered from here
	Gone    bool          // also one that somebody deleted on the platform
}

// Rotate replaces a webhook by one with the same URL and events and a new secret, because the platform knows no rotation of a
// secret. The new one is created inactive, recorded with its secret, and activated when every receiver has it; then the old
// one is disabled and deleted, and its secret ends later. So no delivery is refused, and no event falls between the two.
//
// Interrupted, it may be run again with the same ID, and goes on where it was: a new one that was created and not recorded is
// deleted, told by its metadata; one that was recorded is taken on; an old one that is gone is only forgotten.
func (r Registrar) Rotate(ctx context.Context, id string, o Rotation) (endpoints.Endpoint, error) {
	none := endpoints.Endpoint{}
	was, err := r.Find(ctx, id)
	if err != nil {
		return none, err
	}
	list, err := r.List(ctx)
	if err != nil {
		return none, err
	}
	switch {
	case was.Tag.Listen != "":
		return none, fmt.Errorf("webhook %s ends with the `inorder listen` that it belongs to, and each start makes a new secret", id)
	case was.Record == nil && !o.Force:
		return none, fmt.Errorf("webhook %s was not registered from here, so it may be somebody else's; --force replaces it all the same", id)
	}
	e, err := r.successor(ctx, was, list, o)
	if err != nil {
		return e, err
	}
	return e, r.retire(ctx, was, e, o)
}

func (r Registrar) notFound() error {
	return &platform.Error{Status: http.StatusNotFound, Mode: r.Platform.Mode()}
}

// successor finds what an interrupted rotation has made, or makes it.
func (r Registrar) successor(ctx context.Context, was Webhook, list []Webhook, o Rotation) (endpoints.Endpoint, error) {
	var made *Webhook
	for _, w := range list {
		switch {
		case w.ID == was.ID || w.Gone:
		case w.Record == nil && w.Tag.Replaces == was.ID && w.Tag.Owner == r.Owner && !w.Active:
			r.say("deleting %s, which an interrupted rotation left behind", w.ID)
			if err := r.Platform.DeleteWebhook(ctx, w.ID); err != nil && !platform.IsNotFound(err) {
				return endpoints.Endpoint{}, err
			}
		case w.succeeds(was) && (made == nil || w.Record.RegisteredAt.After(made.Record.RegisteredAt)):
			made = &w
		case w.Record == nil && w.URL == was.URL:
			r.pointOut(w)
		}
	}
	switch {
	case made != nil:
		r.say("going on with %s, which an interrupted rotation has registered", made.ID)
		return *made.Record, r.activate(ctx, *made.Record, made.Active)
	case was.Gone && !o.Gone:
		return endpoints.Endpoint{}, r.explain(was.ID, was.Record, r.notFound())
	}
	return r.Create(ctx, New{URL: was.URL, Events: was.Events, Tag: Tag{Owner: r.Owner, Replaces: was.ID}, Inactive: !was.wanted()})
}

// succeeds tells a successor by our own record, because the platform may keep no metadata: Register makes no second webhook
// for a URL, so a later one comes from a rotation.
func (w Webhook) succeeds(was Webhook) bool {
	return w.Record != nil && w.Record.Owner == "" && w.URL == was.URL &&
		(was.Record == nil || w.Record.RegisteredAt.After(was.Record.RegisteredAt))
}

// wanted reports whether it should deliver: one that the platform deactivated should.
func (w Webhook) wanted() bool { return w.Active || w.Record != nil && w.Record.IsActive }

// retire ends the old webhook.
func (r Registrar) retire(ctx context.Context, was Webhook, by endpoints.Endpoint, o Rotation) error {
	if !was.Gone {
		if was.Active && by.IsActive && o.Overlap > 0 {
			r.say("%s and %s both deliver for %s, so that what is under way arrives", was.ID, by.ID, o.Overlap)
			if err := r.wait(ctx, o.Overlap); err != nil {
				return err
			}
		}
		if err := r.unwatch(ctx, was.Record); err != nil {
			return err
		}
		no := false
		_, err := r.Platform.UpdateWebhook(ctx, was.ID, platform.WebhookUpdate{IsActive: &no})
		if err == nil {
			err = r.Platform.DeleteWebhook(ctx, was.ID)
		}
		if err != nil && !platform.IsNotFound(err) {
			return fmt.Errorf("%s delivers, but the old webhook could not be deleted; `inorder hooks rotate %s` goes on: %w", by.ID, was.ID, err)
		}
	}
	return r.Store.Remove(ctx, was.ID, r.Clock().Add(o.Keep))
}

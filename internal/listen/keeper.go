package listen

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

// keeper keeps the webhook of one Run registered, active and leading to the tunnel. Its methods are called one at a time.
type keeper struct {
	webhooks.Registrar
	machine Machine
	name    string
	events  []string
	to      string // the receiver's URL, with the path
	lease   time.Duration
	say     func(format string, args ...any)

	e        webhooks.Record // as it is registered; ID is "" while none is
	url      string          // where it should lead
	ownLease bool            // the platform keeps no metadata, so the lease is only in our record
	said     map[string]bool
}

// once prints a line only the first time; otherwise every renewal would print it.
func (k *keeper) once(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !k.said[text] {
		k.said[text] = true
		k.say("%s", text)
	}
}

func (k *keeper) tag() webhooks.Tag {
	return webhooks.Tag{Owner: k.machine.Owner, Machine: k.machine.ID, Listen: k.name, Lease: time.Now().Add(k.lease).Truncate(time.Second)}
}

// sweep deletes the webhooks that earlier Runs of this name left behind, and dead ones of other names past their lease.
func (k *keeper) sweep(ctx context.Context) error {
	err := sweep(ctx, k.Registrar, k.machine, sweeping{held: k.name, keep: k.e.ID,
		each:  func(s Swept) { k.say("deleting %s, %s: %s", s.ID, s.URL, s.Why) },
		other: k.other})
	if err != nil {
		return fmt.Errorf("delete what an earlier `inorder listen` left behind: %w", err)
	}
	return nil
}

// other prints what the user should know about a webhook that is not ours.
func (k *keeper) other(w webhooks.Webhook) {
	switch {
	case w.URL == k.url && w.Record == nil:
		k.once("%s has the same URL, and its owner is unknown: if nobody needs it, delete it with `inorder hooks delete --force %[1]s`", w.ID)
	case w.Active && !w.Gone && sameURL(w.URL, k.to):
		k.once("%s delivers to that receiver, too: an event that it delivers first is shown as %s", w.ID, alreadyHere)
	}
}

// register creates the webhook. If an error follows the creation, k.e still has the webhook, so that end deletes it.
func (k *keeper) register(ctx context.Context, public string) error {
	url, err := endpoint(public)
	if err != nil {
		return err
	}
	k.url = url
	k.e, err = k.Create(ctx, webhooks.Spec{URL: url, Events: k.events, Tag: k.tag()})
	return err
}

// move changes the webhook's URL to the tunnel's, without a gap in deliveries.
func (k *keeper) move(ctx context.Context, public string) error {
	url, err := endpoint(public)
	if err != nil || url == k.url {
		return err
	}
	w, err := k.Update(ctx, k.e.ID, url, nil)
	if err != nil {
		return err
	}
	k.say("the tunnel has another URL: %s leads to %s now, and no longer to %s", k.e.ID, url, k.url)
	k.url, k.e.URL = url, cmp.Or(w.URL, url)
	return nil
}

// again registers a new webhook after somebody deleted the last one.
func (k *keeper) again(ctx context.Context, public string) error {
	k.say("%s was deleted by somebody else: registering it again", k.e.ID)
	if err := k.Store.Remove(ctx, k.e.ID, time.Now().Add(secretOutlives)); err != nil {
		return err
	}
	k.e = webhooks.Record{}
	if err := k.register(ctx, public); err != nil {
		return err
	}
	k.say("%s leads to %s", k.e.ID, k.e.URL)
	return nil
}

// renew extends the lease, first in our record, which counts, and then in the metadata. It also moves the webhook to the tunnel's
// URL, registers it again if it is gone, and activates it if it is inactive. It may run again after an error.
func (k *keeper) renew(ctx context.Context, public string) error {
	if k.e.ID == "" {
		return k.register(ctx, public)
	}
	err := k.move(ctx, public)
	if platform.IsNotFound(err) {
		return k.again(ctx, public)
	} else if err != nil {
		return err
	}
	tag := k.tag()
	k.e.LeaseUntil = &tag.Lease
	if err := k.Store.Save(ctx, k.e); err != nil {
		return err
	}
	w, err := k.prolong(ctx, tag)
	switch {
	case platform.IsNotFound(err):
		return k.again(ctx, public)
	case err != nil:
		return err
	case !w.IsActive:
		k.say("the platform deactivated %s, as it does with webhooks that fail: activating it", k.e.ID)
		if _, err := k.SetActive(ctx, k.e.ID, true); err != nil {
			return err
		}
	}
	return k.sweep(ctx) // a webhook may appear late, from a request whose sender died before the answer
}

// prolong writes the lease into the metadata, unless the platform refuses or ignores metadata, and returns the webhook as it is.
func (k *keeper) prolong(ctx context.Context, tag webhooks.Tag) (platform.Webhook, error) {
	if k.ownLease {
		return k.Platform.GetWebhook(ctx, k.e.ID)
	}
	w, err := k.Platform.UpdateWebhook(ctx, k.e.ID, platform.WebhookUpdate{Metadata: tag.Metadata()})
	refused := platform.IsInvalid(err)
	if refused || err == nil && !webhooks.TagOf(w).Lease.Equal(tag.Lease) {
		k.ownLease = true
		k.once("the platform keeps no metadata: the lease of %s is only in our own table", k.e.ID)
	}
	if refused {
		return k.Platform.GetWebhook(ctx, k.e.ID)
	}
	return w, err
}

// end deletes the webhook within ten seconds, even if ctx has ended.
func (k *keeper) end(ctx context.Context) error {
	if k.e.ID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := k.Delete(ctx, k.e.ID, secretOutlives, true); err != nil {
		return fmt.Errorf("%s is still on the platform; the next `inorder listen`, or `inorder hooks sweep`, deletes it: %w", k.e.ID, err)
	}
	k.say("%s is deleted", k.e.ID)
	return nil
}

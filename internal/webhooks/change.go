package webhooks

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder/internal/platform"
)

// Update changes a webhook's URL, its events or both; "" and nil leave them unchanged. If the webhook was registered from here,
// our record changes, too. It may be repeated.
func (r Registrar) Update(ctx context.Context, id, url string, events []string) (platform.Webhook, error) {
	change := platform.WebhookUpdate{Events: events}
	if url != "" {
		change.URL = &url
	}
	return r.change(ctx, id, change)
}

// SetActive enables or disables a webhook, and changes our record as Update does. It may be repeated.
func (r Registrar) SetActive(ctx context.Context, id string, active bool) (platform.Webhook, error) {
	return r.change(ctx, id, platform.WebhookUpdate{IsActive: &active})
}

// change updates the platform first: a recorded change that the platform refuses would be a fault for ever.
func (r Registrar) change(ctx context.Context, id string, change platform.WebhookUpdate) (platform.Webhook, error) {
	record, err := r.recorded(ctx, id)
	if err != nil {
		return platform.Webhook{}, err
	}
	w, err := r.Platform.UpdateWebhook(ctx, id, change)
	if err != nil {
		return w, r.explain(id, record, err)
	}
	if record == nil {
		return w, nil
	}
	if change.URL != nil {
		record.URL = cmp.Or(w.URL, *change.URL)
	}
	if change.Events != nil {
		if record.Events = w.Events; len(w.Events) == 0 {
			record.Events = change.Events
		}
	}
	if change.IsActive != nil {
		record.IsActive = *change.IsActive
	}
	recorded, err := r.Store.Update(ctx, *record)
	switch {
	case err != nil:
		return w, fmt.Errorf("%s is changed on the platform, but not in our record; run the same command again: %w", id, err)
	case !recorded:
		return w, fmt.Errorf("%s is changed on the platform, but somebody deleted our record of it meanwhile", id)
	}
	return w, nil
}

// Delete deletes a webhook and ends its secret after keep. If the platform no longer has the webhook, existed is false and only our
// record is removed, which is a success. Without force, it refuses a webhook that was not registered from here. It may be repeated.
func (r Registrar) Delete(ctx context.Context, id string, keep time.Duration, force bool) (existed bool, err error) {
	record, err := r.recorded(ctx, id)
	if err != nil {
		return false, err
	}
	if record == nil && !force {
		if _, err := r.Platform.GetWebhook(ctx, id); err != nil {
			return false, r.explain(id, nil, err)
		}
		return true, fmt.Errorf("webhook %s was not registered from here, so it may be somebody else's; --force deletes it anyway", id)
	}
	if err := r.unwatch(ctx, record); err != nil {
		return false, err
	}
	err = r.Platform.DeleteWebhook(ctx, id)
	switch {
	case platform.IsNotFound(err) && record == nil:
		return false, r.explain(id, nil, err)
	case err != nil && !platform.IsNotFound(err):
		return false, err
	}
	return err == nil, r.Store.Remove(ctx, id, time.Now().Add(keep))
}

// unwatch marks the record as inactive before the webhook is deleted. Otherwise a watchdog that checks in between would register
// the webhook again.
func (r Registrar) unwatch(ctx context.Context, record *Record) error {
	if record == nil || !record.IsActive {
		return nil
	}
	disabled := *record
	disabled.IsActive = false
	_, err := r.Store.Update(ctx, disabled)
	return err
}

// Test makes the platform deliver a test event. The receiver's answer is the result, even if it is a refusal.
func (r Registrar) Test(ctx context.Context, id, eventType string) (platform.TestResult, error) {
	record, err := r.recorded(ctx, id)
	if err != nil {
		return platform.TestResult{}, err
	}
	result, err := r.Platform.TestWebhook(ctx, id, eventType)
	return result, r.explain(id, record, err)
}
